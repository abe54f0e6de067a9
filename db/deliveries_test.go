package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

func pullOn(line, name string, lets ...packaging.HeldKind) packaging.Destination {
	return packaging.Destination{
		Line: packaging.Line{Code: line}, Name: name, Kind: packaging.PullDestination, Format: packaging.JSONFormat,
		Lets:      lets,
		LateAfter: 5 * time.Minute, GiveUp: time.Hour,
	}
}

func webhookOn(line string) packaging.Destination {
	to := pullOn(line, "MES")
	to.Kind, to.Address, to.SecretKind = packaging.WebhookDestination, "https://mes.example/hooks", packaging.SigningSecret
	return to
}

func folderOn(line, name string) packaging.Destination {
	to := pullOn(line, name)
	to.Kind, to.Address, to.Format, to.FileName = packaging.FolderDestination, "drop", packaging.CSVFormat, "{{.Order}}-{{.Number}}.csv"
	return to
}

func add(t *testing.T, d *DB, by packaging.Person, to packaging.Destination) packaging.DestinationID {
	t.Helper()
	id, err := d.AddDestination(t.Context(), by, to, secret.New("whsec_canary"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// release releases an order of line 1 with these serial numbers.
func release(t *testing.T, d *DB, by packaging.Person, key string, serials ...string) packaging.Order {
	t.Helper()
	o := cache(t, d, by.Tenant.ID, facts(key))
	claimed, err := d.Claim(t.Context(), by, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), claimed, released(serials...)); err != nil {
		t.Fatal(err)
	}
	return order(t, d, by.Tenant.ID, key)
}

func deliveriesTo(t *testing.T, d *DB, by packaging.Person, o packaging.Order) []packaging.Delivery {
	t.Helper()
	all, err := deliveriesOf(t.Context(), d.read, by.Scope(), o.ID)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func frozen(v packaging.Delivery, content string) packaging.Delivery {
	v.Form, v.Name, v.Size, v.Digest = packaging.ListForm{
		Format: v.Destination.Format,
	}, "a.csv", int64(len(content)), sha256.Sum256([]byte(content))
	return v
}

const everything = packaging.Role("administrator+manager+supervisor")

func TestEachListMakesADeliveryForEachDestinationOfItsLineWhoeverStoresIt(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	add(t, d, ghent, pullOn("L1", "Line PC"))
	add(t, d, ghent, folderOn("L1", "Share"))
	add(t, d, ghent, webhookOn("L1"))
	retired := add(t, d, ghent, folderOn("L1", "Old share"))
	if err := d.RetireDestination(t.Context(), ghent, retired, "replaced"); err != nil {
		t.Fatal(err)
	}
	byAnswer := release(t, d, ghent, "answer", "S1", "S2")

	o := cache(t, d, ghent.Tenant.ID, facts("status"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut},
	); err != nil {
		t.Fatal(err)
	}
	if all := deliveriesTo(t, d, ghent, o); len(all) > 0 {
		t.Errorf("an unknown outcome makes %v", all)
	}
	err = d.SettleByStatus(t.Context(), order(t, d, ghent.Tenant.ID, "status"), packaging.Settlement{
		Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress,
		Serials: []string{"S3", "S4"},
	})
	if err != nil {
		t.Fatal(err)
	}

	elsewhere := facts("person")
	elsewhere.Status = packaging.InProgress
	byPerson := cache(t, d, ghent.Tenant.ID, elsewhere)
	if err := d.AddList(t.Context(), ghent, byPerson.ID, 0, 0, []string{"S5", "S6"}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, o := range []packaging.Order{byAnswer, o, byPerson} {
		all := deliveriesTo(t, d, ghent, o)
		if len(all) != 3 {
			t.Fatalf("%s has %d deliveries", o.Key, len(all))
		}
		for _, v := range all {
			if v.State != packaging.DeliveryWaiting || v.Facts.Count != 2 || v.Facts.Order != o.Key ||
				v.Facts.Lot != "ABC123" || seen[v.UID] {
				t.Errorf("%+v", v)
			}
			seen[v.UID] = true
		}
	}
}

func TestAnOddListWaitsForAPersonUnlessItsDestinationLetsItThrough(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	add(t, d, ghent, pullOn("L1", "Careful"))
	add(t, d, ghent, pullOn("L1", "Takes all", packaging.HeldKinds...))
	state := func(o packaging.Order) string {
		all := deliveriesTo(t, d, ghent, o)
		return fmt.Sprint(all[0].State, all[0].HeldFor, all[1].State)
	}
	for key, c := range map[string]struct {
		serials []string
		want    string
	}{
		"duplicates": {[]string{"D1", "D1"}, "held[duplicates]waiting"},
		"count":      {[]string{"C1"}, "held[wrong_count]waiting"},
		"characters": {[]string{"ä1", "A2"}, "held[serial_alphabet]waiting"},
		"plain":      {[]string{"P1", "P2"}, "waiting[]waiting"},
		"none":       {nil, "held[wrong_count]waiting"},
	} {
		if got := state(release(t, d, ghent, key, c.serials...)); got != c.want {
			t.Errorf("%s: %s", key, got)
		}
	}
	first := order(t, d, ghent.Tenant.ID, "plain")
	again := release(t, d, ghent, "again", "P2", "P3")
	if got := state(again); got != "held[seen_before]waiting" {
		t.Error(got)
	}
	if got := state(first); got != "held[seen_again]waiting" {
		t.Errorf("the list whose serial numbers came again: %s", got)
	}
	held := deliveriesTo(t, d, ghent, again)[0]
	if err := d.SendDelivery(t.Context(), ghent, held.ID, " "); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("sent without a reason: %v", err)
	}
	if err := d.SendDelivery(t.Context(), ghent, held.ID, "checked with the line"); err != nil {
		t.Fatal(err)
	}
	if v := deliveriesTo(t, d, ghent, again)[0]; v.State != packaging.DeliveryWaiting || v.UID != held.UID ||
		v.Why != "checked with the line" {
		t.Errorf("%+v", v)
	}
	if _, e := deedsOf(t, d, ghent, "again"); e.Deed != packaging.ListSent || e.Comment != "checked with the line" ||
		e.Old != "held" {
		t.Errorf("%+v", e)
	}
}

func TestAContradictedListAndALaterOneWaitForAPerson(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	add(t, d, ghent, pullOn("L1", "Careful"))
	add(t, d, ghent, pullOn("L1", "Takes all", packaging.HeldKinds...))
	states := func(o packaging.Order) (all []string) {
		for _, v := range deliveriesTo(t, d, ghent, o) {
			all = append(all, fmt.Sprint(v.State, v.HeldFor))
		}
		return all
	}
	contradicted := unknownRelease(t, d, ghent, "contradicted")
	if err := d.SettleByStatus(t.Context(), contradicted, saidPending); err != nil {
		t.Fatal(err)
	}
	contradicted = becomes(t, d, contradicted, packaging.InProgress)
	if err := d.SettleByStatus(t.Context(), contradicted, packaging.Settlement{
		Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress,
		Serials: []string{"S1", "S2"},
	}); err != nil {
		t.Fatal(err)
	}
	if got := states(contradicted); !slices.Equal(got, []string{"held[contradicted]", "waiting[]"}) {
		t.Errorf("a list that a status contradicted: %q", got)
	}
	later, err := d.Claim(t.Context(), ghent, again(setBack(t, d, ghent, "later", "S3", "S4")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), later, released("S5", "S6")); err != nil {
		t.Fatal(err)
	}
	if got := states(later); !slices.Equal(got, []string{"waiting[]", "waiting[]", "held[later]", "waiting[]"}) {
		t.Errorf("the lists of a second release: %q", got)
	}
}

// cutOff has a destination's first try fail so that nobody knows whether the list is there.
func cutOff(t *testing.T, d *DB, to packaging.DestinationID) packaging.Delivery {
	t.Helper()
	v, err := d.NextDelivery(t.Context(), to)
	if err == nil {
		v, _, err = d.BeginTry(t.Context(), frozen(v, "the list"))
	}
	if err == nil {
		err = d.NoteFailedTry(t.Context(), v, packaging.DeliveryTry{
			At: d.now(), DeliveryFailure: packaging.DeliveryFailure{Problem: packaging.TimedOutThere},
		}, d.now().Add(time.Minute))
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAListThatIsFoundOddAfterATryWaitsForAPersonWhoDidNotKnow(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	first := release(t, d, ghent, "first", "P1", "P2")
	tried := cutOff(t, d, to)
	release(t, d, ghent, "second", "P2", "P3")
	v := deliveriesTo(t, d, ghent, first)[0]
	if v.State != packaging.DeliveryHeld || !slices.Equal(v.HeldFor, []packaging.HeldKind{"seen_again"}) || !v.Fixed {
		t.Fatalf("tried, and then found odd: %+v", v)
	}
	if err := d.SendDelivery(t.Context(), ghent, v.ID, "looked at"); err != nil {
		t.Fatal(err)
	}
	release(t, d, ghent, "third", "P1", "P4") // odd in the way that the person knew
	if v = deliveriesTo(t, d, ghent, first)[0]; v.State != packaging.DeliveryWaiting {
		t.Errorf("sent by a person, and odd once more in the same way: %+v", v)
	}
	if err := d.NoteTaken(t.Context(), tried, packaging.DeliveryTry{At: d.now()}); err != nil {
		t.Fatal(err)
	}
	release(t, d, ghent, "fourth", "P1", "P5")
	if v = deliveriesTo(t, d, ghent, first)[0]; v.State != packaging.DeliveryTaken || v.Digest != tried.Digest {
		t.Errorf("taken, and odd later: %+v", v)
	}
}

func TestAPersonWhoSentAListDidNotSendItForWhatIsFoundOddLater(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	o := release(t, d, ghent, "count", "P1", "P2", "P3")
	if err := d.SendDelivery(t.Context(), ghent, deliveriesTo(t, d, ghent, o)[0].ID, "one more is right"); err != nil {
		t.Fatal(err)
	}
	cutOff(t, d, to)
	release(t, d, ghent, "other", "P3", "P4")
	if v := deliveriesTo(t, d, ghent, o)[0]; v.State != packaging.DeliveryHeld ||
		!slices.Equal(v.HeldFor, []packaging.HeldKind{"seen_again", "wrong_count"}) {
		t.Errorf("%+v", v)
	}
}

func TestAListSaysWhatItsOrderIsWhenItFirstGoesOutAndTheSameForEver(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	folder := add(t, d, ghent, folderOn("L1", "Share"))
	add(t, d, ghent, pullOn("L1", "Line PC"))
	bare := facts("bare")
	bare.GTIN, bare.Lot = "", "LOT-1"
	say := func(gtin, lot string) {
		t.Helper()
		bare.GTIN, bare.Lot = gtin, lot
		cache(t, d, ghent.Tenant.ID, bare)
	}
	said := func(v packaging.Delivery) string { return v.Facts.GTIN + " " + v.Facts.Lot }
	say("", "LOT-1")
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: order(t, d, ghent.Tenant.ID, "bare").ID})
	if err == nil {
		_, err = d.Settle(t.Context(), claimed, released("S1", "S2"))
	}
	if err != nil {
		t.Fatal(err)
	}
	bare.Status = packaging.InProgress
	say("09506000134352", "")
	pulled, err := d.OpenDelivery(t.Context(), ghent.Scope(), deliveriesTo(t, d, ghent, claimed)[0].UID)
	if err != nil || said(pulled) != "09506000134352 LOT-1" || !pulled.Fixed {
		t.Errorf("a program reads %q with the order of then: %v", said(pulled), err)
	}
	say("04012345678901", "LOT-2")
	v, err := d.NextDelivery(t.Context(), folder)
	if err != nil || said(v) != "04012345678901 LOT-2" || v.Fixed {
		t.Errorf("the first try has %q: %v", said(v), err)
	}
	if _, _, err := d.BeginTry(t.Context(), frozen(v, "the list")); err != nil {
		t.Fatal(err)
	}
	say("09506000134352", "LOT-3")
	if pulled, err = d.OpenDelivery(t.Context(), ghent.Scope(), pulled.UID); err != nil ||
		said(pulled) != "09506000134352 LOT-1" {
		t.Errorf("a program reads %q later: %v", said(pulled), err)
	}
	if v, err = d.NextDelivery(t.Context(), folder); err != nil || said(v) != "04012345678901 LOT-2" || !v.Frozen {
		t.Errorf("the next try has %q: %v", said(v), err)
	}
	if faults, err := d.RecordFaults(t.Context(), ghent.Tenant.ID); err != nil || len(faults) > 0 {
		t.Errorf("%v %v", faults, err)
	}
}

// A program may read the list of a folder between the moment when a try made its bytes and the one when they are kept.
func TestBytesOfOtherFactsThanAProgramReadAreNotKept(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	o := release(t, d, ghent, "Order143", "S1", "S2")
	before, err := d.NextDelivery(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	changed := facts("Order143")
	changed.Lot, changed.Status = "LOT-2", packaging.InProgress
	cache(t, d, ghent.Tenant.ID, changed)
	if _, err := d.OpenDelivery(t.Context(), ghent.Scope(), before.UID); err != nil {
		t.Fatal(err)
	}
	if now, _, err := d.BeginTry(t.Context(), frozen(before, "lot 1")); err == nil {
		t.Errorf("it is frozen as %+v", now)
	}
	if v := deliveriesTo(t, d, ghent, o)[0]; v.Frozen || v.Facts.Lot != "LOT-2" {
		t.Errorf("%+v", v)
	}
}

// Whatever is decided before a try begins counts, also after other tries.
func TestWhatIsDecidedBeforeATryBeginsKeepsTheListHere(t *testing.T) {
	for name, decide := range map[string]func(*DB, packaging.Person, packaging.Delivery) error{
		"found odd": func(d *DB, by packaging.Person, _ packaging.Delivery) error {
			release(t, d, by, "second", "P2", "P3")
			return nil
		},
		"carried": func(d *DB, by packaging.Person, v packaging.Delivery) error {
			return d.CarryDelivery(t.Context(), by, v.ID, "on a stick")
		},
		"stopped": func(d *DB, by packaging.Person, v packaging.Delivery) error {
			return d.StopDestination(t.Context(), by, v.Destination.ID, "the line is rebuilt")
		},
		"retired": func(d *DB, by packaging.Person, v packaging.Delivery) error {
			return d.RetireDestination(t.Context(), by, v.Destination.ID, "replaced")
		},
	} {
		for tries := range 2 {
			d, ghent, _ := opened(t)
			ghent = become(t, d, ghent, everything)
			to := add(t, d, ghent, folderOn("L1", "Share"))
			first := release(t, d, ghent, "first", "P1", "P2")
			if tries > 0 {
				cutOff(t, d, to)
			}
			before, err := d.NextDelivery(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}
			if err := decide(d, ghent, before); err != nil {
				t.Fatal(err)
			}
			if now, goes, err := d.BeginTry(t.Context(), frozen(before, "the list")); err != nil || goes {
				t.Errorf("%s after %d tries: it goes as %+v: %v", name, tries, now, err)
			}
			if v := deliveriesTo(t, d, ghent, first)[0]; v.Frozen != (tries > 0) || v.Fixed != (tries > 0) ||
				!v.Begun.IsZero() {
				t.Errorf("%s after %d tries: a person is told %+v", name, tries, v)
			}
		}
	}
}

// A try that has begun is not called back, but nobody is told that the list is not there.
func TestATryOfWhichNothingIsKnownIsToldWhateverIsDecidedMeanwhile(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	o := release(t, d, ghent, "Order143", "S1", "S2")
	begun := func() bool { return !deliveriesTo(t, d, ghent, o)[0].Begun.IsZero() }
	v, err := d.NextDelivery(t.Context(), to)
	if err != nil || begun() {
		t.Fatalf("before the try: %v", err)
	}
	v, goes, err := d.BeginTry(t.Context(), frozen(v, "the list"))
	if err != nil || !goes || v.Begun.IsZero() {
		t.Fatalf("%+v %v %v", v, goes, err)
	}
	if err := d.CarryDelivery(t.Context(), ghent, v.ID, "on a stick"); err != nil {
		t.Fatal(err)
	}
	if !begun() {
		t.Error("it was carried, and nobody is told that a try goes on")
	}
	failed := packaging.DeliveryTry{
		At: d.now(), DeliveryFailure: packaging.DeliveryFailure{Problem: packaging.Unreachable},
	}
	if err := d.NoteFailedTry(t.Context(), v, failed, d.now()); err != nil || begun() {
		t.Errorf("the try has failed, and still goes on: %v", err)
	}
	if err := d.SendDelivery(t.Context(), ghent, v.ID, "the stick was empty"); err != nil {
		t.Fatal(err)
	}
	if v, goes, err = d.BeginTry(t.Context(), v); err != nil || !goes || !begun() {
		t.Errorf("sent again: %+v %v %v", v, goes, err)
	}
	if err := d.NoteTaken(t.Context(), v, packaging.DeliveryTry{At: d.now()}); err != nil || begun() {
		t.Errorf("it is taken, and the try still goes on: %v", err)
	}
}

func TestADeliveryKeepsItsIDAndItsBytesAndIsTakenByItsDestinationsWord(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	o := release(t, d, ghent, "Order143", "S1", "S2")
	v, err := d.NextDelivery(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	v = frozen(v, "the list")
	if _, _, err := d.BeginTry(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if now, _, err := d.BeginTry(t.Context(), frozen(v, "another list")); err != nil || now.Digest != v.Digest {
		t.Fatal(now, err)
	}
	next := d.now().Add(time.Hour)
	failed := packaging.DeliveryTry{
		At: d.now(), DeliveryFailure: packaging.DeliveryFailure{Problem: packaging.Unreachable},
	}
	if err := d.NoteFailedTry(t.Context(), v, failed, next); err != nil {
		t.Fatal(err)
	}
	if now, err := d.NextDelivery(t.Context(), to); err != nil || now.Tries != 1 || now.Digest != v.Digest ||
		now.UID != v.UID || now.Next.Before(next.Add(-time.Second)) {
		t.Fatalf("%+v %v", now, err)
	}
	if err := d.NoteTaken(t.Context(), v, packaging.DeliveryTry{At: d.now()}); err != nil {
		t.Fatal(err)
	}
	if err := d.NoteTaken(t.Context(), v, packaging.DeliveryTry{At: d.now()}); err != nil { // a repetition
		t.Fatal(err)
	}
	deeds, e := deedsOf(t, d, ghent, "Order143")
	taken := slices.DeleteFunc(deeds, func(deed packaging.Deed) bool { return deed != packaging.ListTaken })
	if len(taken) != 1 || e.Object != "Share" || e.Serials != 2 || e.Code != v.UID {
		t.Errorf("%v %+v", taken, e)
	}
	if _, err := d.NextDelivery(t.Context(), to); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("a list that was taken comes again: %v", err)
	}
	if now := deliveriesTo(t, d, ghent, o)[0]; now.Tries != 3 || now.Problem != packaging.NoProblem {
		t.Errorf("%+v", now)
	}
	if err := d.CarryDelivery(t.Context(), ghent, v.ID, "on a stick"); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("carried after it was taken: %v", err)
	}
	if err := d.SendDelivery(t.Context(), ghent, v.ID, "the PC was replaced"); err != nil {
		t.Fatal(err)
	}
	if now, err := d.NextDelivery(t.Context(), to); err != nil || now.UID != v.UID || now.Digest != v.Digest {
		t.Errorf("%+v %v", now, err)
	}
	if faults, err := d.RecordFaults(t.Context(), ghent.Tenant.ID); err != nil || len(faults) > 0 {
		t.Errorf("%v %v", faults, err)
	}
}

func TestTheSchemaKeepsDeliveriesAsTheyMustBe(t *testing.T) {
	d, ghent, basel := opened(t)
	ghent, basel = become(t, d, ghent, everything), become(t, d, basel, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	add(t, d, basel, folderOn("L1", "Theirs"))
	release(t, d, ghent, "odd", "S1", "S1")
	release(t, d, ghent, "Order143", "S2", "S3")
	if err := d.CreateToken(t.Context(), ghent, packaging.Token{
		Name: "PC", Scopes: []packaging.TokenScope{packaging.TakeListsScope},
	}, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	v, err := d.NextDelivery(t.Context(), to)
	if err == nil {
		v.Link = "https://lineboard.example"
		_, _, err = d.BeginTry(t.Context(), frozen(v, "x"))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		`UPDATE deliveries SET state = 'waiting' WHERE state = 'held'`,
		`UPDATE deliveries SET state = 'waiting', sends = sends + 1 WHERE state = 'held'`,
		`UPDATE deliveries SET state = 'taken' WHERE digest IS NULL`,
		`UPDATE deliveries SET state = 'carried'`,
		`UPDATE deliveries SET uid = lower(hex(randomblob(16)))`,
		`UPDATE deliveries SET facts = '{}'`,
		`UPDATE deliveries SET facts = '{}', fixed_at = 1 WHERE fixed_at IS NOT NULL`,
		`UPDATE deliveries SET fixed_at = NULL WHERE fixed_at IS NOT NULL`,
		`UPDATE deliveries SET link = 'https://elsewhere.example' WHERE link <> ''`,
		`UPDATE deliveries SET release_id = release_id + 1`,
		`DELETE FROM deliveries`,
		`DELETE FROM destinations`,
		`UPDATE destinations SET kind = 'pull', address = '', file_name = '', format = 'json'`,
		`INSERT INTO deliveries (tenant_id, destination_id, release_id, uid, made_at, facts, since, state)
			SELECT tenant_id, 2, id, lower(hex(randomblob(16))), 1, '{}', 1, 'waiting' FROM releases LIMIT 1`,
		`INSERT INTO deliveries (tenant_id, destination_id, release_id, uid, made_at, facts, since, state)
			SELECT tenant_id, destination_id, release_id, lower(hex(randomblob(16))), 1, '{}', 1, 'waiting' FROM deliveries LIMIT 1`,
		`UPDATE api_token_scopes SET scope = 'read_orders'`,
	} {
		refusedBySchema(t, d, query, query)
	}
}

func TestCursorsOfOffersNeitherSkipNorRepeat(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, pullOn("L1", "Line PC"))
	held := release(t, d, ghent, "held", "H1", "H1")
	seen, cursor := map[string]int{}, ""
	page := func() {
		t.Helper()
		offers, err := d.Offers(t.Context(), ghent.Scope(), []packaging.DestinationID{to}, cursor, false, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range offers {
			seen[o.Facts.Order]++
			cursor = o.Cursor
		}
	}
	for i := range 5 {
		release(t, d, ghent, fmt.Sprint("o", i), fmt.Sprint("A", i), fmt.Sprint("B", i))
		if i == 2 {
			page()
		}
	}
	if err := d.SendDelivery(t.Context(), ghent, deliveriesTo(t, d, ghent, held)[0].ID, "looked at"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		page()
	}
	if len(seen) != 6 {
		t.Errorf("%v", seen)
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", key, n)
		}
	}
	for _, wrong := range []string{"99-abcdef01", "1-ffffffff", "x", "1"} {
		_, err := d.Offers(t.Context(), ghent.Scope(), []packaging.DestinationID{to}, wrong, false, 2)
		if code := packaging.CodeOf(err); code != packaging.Conflict && code != packaging.Invalid {
			t.Errorf("cursor %q: %v", wrong, err)
		}
	}
}

func TestATokenTakesTheListsOfItsLinesAlone(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	if err := d.AddLine(t.Context(), ghent, packaging.Line{Code: "L2", Name: "Bottle line 2"}); err != nil {
		t.Fatal(err)
	}
	add(t, d, ghent, pullOn("L1", "Line PC"))
	o := release(t, d, ghent, "Order143", "S1", "S2")
	v := deliveriesTo(t, d, ghent, o)[0]
	holder := func(n byte, scope packaging.TokenScope, line string) packaging.Person {
		t.Helper()
		l, err := d.Line(t.Context(), ghent.Scope(), line)
		if err == nil {
			err = d.CreateToken(t.Context(), ghent, packaging.Token{
				Name: fmt.Sprint("PC ", n), Scopes: []packaging.TokenScope{scope}, Lines: []packaging.Line{l},
			}, [32]byte{n})
		}
		if err != nil {
			t.Fatal(err)
		}
		k, tenant, err := d.TokenOf(context.Background(), [32]byte{n})
		if err != nil || !k.Has(scope) {
			t.Fatal(k, err)
		}
		return packaging.Person{Author: k.Author(), Tenant: tenant, Token: k.ID, Lines: []packaging.LineID{l.ID}}
	}
	v = frozen(v, "the list")
	v.Name = ""
	if err := d.TakeDelivery(
		t.Context(), holder(1, packaging.TakeListsScope, "L2"), v,
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("token of another line: %v", err)
	}
	if err := d.TakeDelivery(
		t.Context(), holder(2, packaging.ReadSerialsScope, "L1"), v,
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("token that may only read: %v", err)
	}
	third := holder(3, packaging.TakeListsScope, "L1")
	for range 2 { // its answer may have been lost
		if err := d.TakeDelivery(t.Context(), third, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.TakeDelivery(
		t.Context(), holder(4, packaging.TakeListsScope, "L1"), v,
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("a second program takes the same list: %v", err)
	}
	if now := deliveriesTo(t, d, ghent, o)[0]; now.State != packaging.DeliveryTaken || now.By != "PC 3" {
		t.Errorf("%+v", now)
	}
	if _, e := deedsOf(t, d, ghent, "Order143"); e.Deed != packaging.ListTaken || e.By.Username != "token:PC 3" {
		t.Errorf("%+v", e)
	}
}

func TestSecretsOfDestinationsAreSealedAndMoveWithTheKey(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	id := add(t, d, ghent, webhookOn("L1"))
	if err := d.RotateSigningSecret(
		t.Context(), ghent, id, secret.New("whsec_second"), d.now().Add(time.Hour),
	); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		to, err := d.SetupDestination(t.Context(), ghent, id)
		if err != nil {
			t.Fatal(err)
		}
		now, before, err := d.DestinationSecrets(t.Context(), to)
		if err != nil || now.Reveal() != "whsec_second" || before.Reveal() != "whsec_canary" {
			t.Errorf("%q %q %v", now.Reveal(), before.Reveal(), err)
		}
	}
	check()
	if err := d.Rotate(t.Context(), box(t, 9)); err != nil {
		t.Fatal(err)
	}
	check()
	if err := d.CheckKey(t.Context()); err != nil {
		t.Error(err)
	}
	server := folderOn("L1", "Server")
	server.Kind, server.Address, server.Username, server.HostKey = packaging.SFTPDestination, "pc:22", "line", "ssh-ed25519 AAAA"
	server.SecretKind = packaging.PasswordSecret
	server.ID, server.Tenant = add(t, d, ghent, server), ghent.Tenant.ID
	server.Address = "evil:22"
	if _, _, err := d.DestinationSecrets(t.Context(), server); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("a try that goes elsewhere gets the password: %v", err)
	}
	if err := d.SetDestination(t.Context(), ghent, server, secret.Text{}); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("a password goes to another server: %v", err)
	}
	if err := d.tx(t.Context(), func(t *tx) error {
		return t.exec(`UPDATE destinations SET address = 'evil:22' WHERE id = ?`, server.ID)
	}); err == nil {
		t.Error("the schema lets a password go to another server")
	}
}

func TestALateListIsToldUntilItIsTakenOrCarried(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	o := release(t, d, ghent, "Order143", "S1", "S2")
	late := func() int {
		all, err := d.LateDeliveries(t.Context(), ghent.Scope())
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if late() != 0 {
		t.Error("late at once")
	}
	real := d.now
	d.now = func() time.Time { return real().Add(6 * time.Minute) }
	if late() != 1 {
		t.Error("not late after six minutes")
	}
	v := deliveriesTo(t, d, ghent, o)[0]
	stop := packaging.DeliveryTry{
		At: d.now(), DeliveryFailure: packaging.DeliveryFailure{Problem: packaging.Unreachable},
	}
	if err := d.NoteFailedTry(t.Context(), v, stop, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.NextDelivery(t.Context(), to); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("it is tried after it was given up: %v", err)
	}
	if e := history(t, d, ghent)[0]; e.Deed != packaging.ListStopped || e.OrderKey != o.Key ||
		e.Reason != string(packaging.Unreachable) {
		t.Errorf("given up, and the history's last entry is %+v", e)
	}
	if err := d.CarryDelivery(t.Context(), ghent, v.ID, "on a stick"); err != nil {
		t.Fatal(err)
	}
	if late() != 0 {
		t.Error("late after it was carried")
	}
}

func TestAProgramTakesWhatWaitsForItAlone(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, pullOn("L1", "Line PC"))
	fresh := func(key string) packaging.Delivery {
		o := release(t, d, ghent, key, key+"1", key+"2")
		return frozen(deliveriesTo(t, d, ghent, o)[0], key)
	}
	token := [32]byte{1}
	l, err := d.Line(t.Context(), ghent.Scope(), "L1")
	if err == nil {
		err = d.CreateToken(t.Context(), ghent, packaging.Token{
			Name: "PC", Scopes: []packaging.TokenScope{packaging.TakeListsScope}, Lines: []packaging.Line{l},
		}, token)
	}
	if err != nil {
		t.Fatal(err)
	}
	k, tenant, err := d.TokenOf(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	pc := packaging.Person{Author: k.Author(), Tenant: tenant, Token: k.ID, Lines: []packaging.LineID{l.ID}}
	key := func(err error) string {
		var ours *packaging.Error
		if !errors.As(err, &ours) {
			return fmt.Sprint(err)
		}
		return ours.Key
	}
	taken, carried, waits := fresh("taken"), fresh("carried"), fresh("waits")
	if err := d.TakeDelivery(t.Context(), pc, taken); err != nil {
		t.Fatal(err)
	}
	if err := d.CarryDelivery(t.Context(), ghent, carried.ID, "on a stick"); err != nil {
		t.Fatal(err)
	}
	if err := d.TakeDelivery(t.Context(), pc, carried); key(err) != "api.carried" {
		t.Errorf("carried: %v", err)
	}
	if err := d.StopDestination(t.Context(), ghent, to, "the PC is replaced"); err != nil {
		t.Fatal(err)
	}
	if err := d.TakeDelivery(t.Context(), pc, waits); key(err) != "api.destination_stopped" {
		t.Errorf("stopped: %v", err)
	}
	if err := d.RetireDestination(t.Context(), ghent, to, "replaced"); err != nil {
		t.Fatal(err)
	}
	if err := d.TakeDelivery(t.Context(), pc, waits); key(err) != "api.destination_retired" {
		t.Errorf("retired: %v", err)
	}
	if err := d.TakeDelivery(t.Context(), pc, taken); err != nil {
		t.Errorf("said again: %v", err)
	}
	for o, want := range map[string]packaging.DeliveryState{
		"taken": packaging.DeliveryTaken, "carried": packaging.DeliveryCarried, "waits": packaging.DeliveryStopped,
	} {
		if v := deliveriesTo(t, d, ghent, order(t, d, ghent.Tenant.ID, o))[0]; v.State != want {
			t.Errorf("%s is %s", o, v.State)
		}
	}
}

// A list that was sent again has the bytes of its first time, whatever form it is read in.
func TestTheHistorySaysOfATakenListWhatItsRowSays(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	to := add(t, d, ghent, folderOn("L1", "Share"))
	release(t, d, ghent, "Order143", "S1", "S2")
	v, err := d.NextDelivery(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.BeginTry(t.Context(), frozen(v, "the list")); err != nil {
		t.Fatal(err)
	}
	if err := d.NoteTaken(t.Context(), frozen(v, "another list"), packaging.DeliveryTry{At: d.now()}); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("a.csv %x", sha256.Sum256([]byte("the list")))
	if _, e := deedsOf(t, d, ghent, "Order143"); e.Deed != packaging.ListTaken || e.New != want {
		t.Errorf("%s, not %s", e.New, want)
	}
}

func TestAProgramIsWhoItWasWhileItsTokenKeepsItsName(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	add(t, d, ghent, pullOn("L1", "Line PC"))
	v := deliveriesTo(t, d, ghent, release(t, d, ghent, "Order143", "S1", "S2"))[0]
	var before packaging.TokenID
	for n, name := range []string{"PC", "PC", "another PC"} { // each in the place of the one before
		hash := [32]byte{byte(n)}
		if before != 0 {
			if err := d.RevokeToken(t.Context(), ghent, before); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.CreateToken(t.Context(), ghent, packaging.Token{
			Name: name, Scopes: []packaging.TokenScope{packaging.TakeListsScope},
		}, hash); err != nil {
			t.Fatal(err)
		}
		k, tenant, err := d.TokenOf(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		before = k.ID
		err = d.TakeDelivery(
			t.Context(), packaging.Person{Author: k.Author(), Tenant: tenant, Token: k.ID}, frozen(v, "the list"),
		)
		if another := packaging.CodeOf(err) == packaging.Conflict; another != (name != "PC") || err != nil && !another {
			t.Errorf("token %d, %s: %v", n, name, err)
		}
	}
}

func TestAListIsSentToALaterDestinationOnce(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	o := release(t, d, ghent, "Order143", "S1", "S2")
	to := add(t, d, ghent, folderOn("L1", "Share"))
	if err := d.SendList(t.Context(), ghent, o.ID, to, "it came later"); err != nil {
		t.Fatal(err)
	}
	for _, again := range []packaging.DestinationID{to, to + 1} {
		if err := d.SendList(
			t.Context(), ghent, o.ID, again, "it came later",
		); packaging.CodeOf(err) != packaging.NotFound {
			t.Errorf("sent to %d again: %v", again, err)
		}
	}
	deeds, e := deedsOf(t, d, ghent, "Order143")
	sent := slices.DeleteFunc(deeds, func(deed packaging.Deed) bool { return deed != packaging.ListSent })
	if all := deliveriesTo(t, d, ghent, o); len(all) != 1 || len(sent) != 1 || e.Comment != "it came later" {
		t.Errorf("%d deliveries, %v, %+v", len(all), sent, e)
	}
}

func TestAReportTellsDestinationsOfOneNameApart(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	old := add(t, d, ghent, folderOn("L1", "Share"))
	release(t, d, ghent, "Order143", "S1", "S2")
	if err := d.RetireDestination(t.Context(), ghent, old, "replaced"); err != nil {
		t.Fatal(err)
	}
	next := add(t, d, ghent, folderOn("L1", "Share"))
	if err := d.SendList(t.Context(), ghent, order(t, d, ghent.Tenant.ID, "Order143").ID, next, "the share moved"); err != nil {
		t.Fatal(err)
	}
	lists, err := broughtIn(t.Context(), d.read, ghent.Scope(), start, start.Add(24*time.Hour))
	if err != nil || len(lists) != 2 || lists[0].Lists != 1 || lists[1].Lists != 1 {
		t.Errorf("%+v, %v", lists, err)
	}
}
