package db

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

// setAlarms gives a site a webhook that is told of alarms, and all secrets that they can be sent with.
func setAlarms(
	t *testing.T, d *DB, by packaging.Person,
) (id packaging.RecipientID, key secret.Text, to packaging.AlarmSettings) {
	t.Helper()
	key = secret.New("whsec_canary")
	id, err := d.AddRecipient(
		t.Context(), by, packaging.Recipient{Name: "SCADA", Kind: packaging.ByWebhook},
		secret.New("https://scada.example/canary-path"), key)
	if err != nil {
		t.Fatal(err)
	}
	to = packaging.AlarmSettings{
		Language: "de", MailHost: "mail.example:465", Encryption: packaging.ImplicitTLS, MailFrom: "line@plant.example",
		MailUser:       "line",
		HeartbeatEvery: 60e9,
	}
	if err := d.SetAlarmSettings(
		t.Context(), by, to, secret.New("canary-mail"), secret.New("https://beat.example/canary-beat"), false,
	); err != nil {
		t.Fatal(err)
	}
	return id, key, to
}

func TestWhatAlarmsAreSentWithIsReadAfterARotationAndByNobodyElse(t *testing.T) {
	d, ghent, _ := opened(t)
	by := become(t, d, ghent, everything)
	id, key, to := setAlarms(t, d, by)
	for name, v := range blobs(t, d) {
		if strings.Contains(string(v), "canary") {
			t.Errorf("%s holds a secret in clear", name)
		}
	}
	if err := d.Rotate(t.Context(), box(t, 2)); err != nil {
		t.Fatal(err)
	}
	if old := sealedWith(t, d, box(t, 1)); len(old) > 0 {
		t.Errorf("sealed with the old key: %q", old)
	}
	target, signs, err := d.Target(t.Context(), by.Tenant.ID, id)
	if err != nil || target.Reveal() != "https://scada.example/canary-path" || !signs.Equal(key) {
		t.Errorf("the recipient is read as %q: %v", target.Reveal(), err)
	}
	_, password, beat, err := d.AlarmSettings(t.Context(), by.Tenant.ID)
	if err != nil || password.Reveal() != "canary-mail" || beat.Reveal() != "https://beat.example/canary-beat" {
		t.Errorf("password and heartbeat are read as %q, %q: %v", password.Reveal(), beat.Reveal(), err)
	}
	// The stored password goes to the server that it was set for, and nowhere else.
	to.MailHost = "mail.elsewhere.example:465"
	if err := d.SetAlarmSettings(t.Context(), by, to, secret.Text{}, secret.Text{}, false); err != nil {
		t.Fatal(err)
	}
	if _, password, _, err = d.AlarmSettings(t.Context(), by.Tenant.ID); err != nil || !password.Empty() {
		t.Errorf("another server would get the password: %v", err)
	}
}

func TestASecretThatIsSetAgainStandsInTheHistoryThoughNothingElseChanges(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	_, _, to := setAlarms(t, d, ghent)
	set := func(password, beat string, none bool) (objects []string) {
		t.Helper()
		before := len(entries(t, d, ghent.Tenant.ID))
		if err := d.SetAlarmSettings(t.Context(), ghent, to, secret.New(password), secret.New(beat), none); err != nil {
			t.Fatal(err)
		}
		all := entries(t, d, ghent.Tenant.ID)
		for _, e := range all[:len(all)-before] {
			objects = append(objects, string(e.Deed)+" "+e.Object)
		}
		slices.Sort(objects)
		return objects
	}
	credential := string(packaging.CredentialSet) + " "
	if got := set(
		"", "https://beat.example/another-path", false,
	); !slices.Equal(got, []string{credential + "heartbeat"}) {
		t.Errorf("another URL on the same host: %q", got)
	}
	if got := set("another password", "", false); !slices.Equal(got, []string{credential + "mail_password"}) {
		t.Errorf("another password: %q", got)
	}
	if got := set("", "", false); len(got) > 0 {
		t.Errorf("nothing: %q", got)
	}
	if got := set("", "", true); !slices.Equal(got, []string{string(packaging.AlarmsSet) + " how alarms are sent"}) {
		t.Errorf("no heartbeat any more: %q", got)
	}
}

// kinds returns the kinds of alarms that something is the case for, sorted.
func kinds(t *testing.T, d *DB, tenant packaging.TenantID) (all []packaging.AlarmKind) {
	t.Helper()
	facts, err := alarmFacts(t.Context(), d.read, tenant)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		all = append(all, f.Kind)
	}
	slices.Sort(all)
	return all
}

func TestWhatAPersonGaveUpRaisesNoAlarmAnyMore(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	first := cache(t, d, ghent.Tenant.ID, facts("a"), facts("b"))
	q, err := d.StartQueue(t.Context(), ghent, first.Line.ID, []packaging.QueuePick{{Order: first.ID}})
	if err == nil {
		err = d.EndQueue(t.Context(), q, ghent.Author, packaging.StopByPerson)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := kinds(t, d, ghent.Tenant.ID); !slices.Contains(got, packaging.AlarmSequence) {
		t.Errorf("a sequence that stopped: %q", got)
	}
	if err := d.DiscardQueue(t.Context(), ghent, first.Line.ID, q.ID); err != nil {
		t.Fatal(err)
	}
	if got := kinds(t, d, ghent.Tenant.ID); slices.Contains(got, packaging.AlarmSequence) {
		t.Errorf("a sequence that was discarded: %q", got)
	}
	to := add(t, d, ghent, folderOn("L1", "Share"))
	release(t, d, ghent, "c", "S1", "S2")
	if got := kinds(t, d, ghent.Tenant.ID); !slices.Contains(got, packaging.AlarmDelivery) {
		t.Errorf("a list that waits: %q", got)
	}
	if err := d.RetireDestination(t.Context(), ghent, to, "replaced"); err != nil {
		t.Fatal(err)
	}
	if got := kinds(t, d, ghent.Tenant.ID); slices.Contains(got, packaging.AlarmDelivery) {
		t.Errorf("its destination is retired: %q", got)
	}
}

func TestARuleIsSetByThoseWhoSeeAllItsLines(t *testing.T) {
	d, ghent, _ := opened(t)
	boss := become(t, d, ghent, packaging.Administrator)
	if err := d.AddLine(t.Context(), boss, packaging.Line{Code: "L2", Name: "Line 2"}); err != nil {
		t.Fatal(err)
	}
	var lines []packaging.LineID
	for _, code := range []string{"L1", "L2"} {
		l, err := d.SetupLine(t.Context(), boss, code)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l.ID)
	}
	named := map[packaging.RecipientID]string{}
	for _, name := range []string{"ours", "theirs"} {
		id, err := d.AddRecipient(
			t.Context(), boss, packaging.Recipient{Name: name, Kind: packaging.ByMail}, secret.New("a@plant.example"),
			secret.Text{})
		if err != nil {
			t.Fatal(err)
		}
		named[id] = name
	}
	all := map[string]packaging.AlarmRule{
		"of line 1":  {Kind: packaging.AlarmUnknown, Lines: lines[:1], First: []packaging.RecipientID{1}},
		"of line 2":  {Kind: packaging.AlarmUnknown, Lines: lines[1:], First: []packaging.RecipientID{2}},
		"of both":    {Kind: packaging.AlarmRefused, Lines: lines},
		"of all":     {Kind: packaging.AlarmRefused},
		"of no line": {Kind: packaging.AlarmBackup},
	}
	for name, r := range all {
		if err := d.SetAlarmRule(t.Context(), boss, r); err != nil {
			t.Fatal(err)
		}
		stored, err := d.AlarmRules(t.Context(), boss.Scope())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range stored {
			r.ID = max(r.ID, one.ID)
		}
		all[name] = r
	}
	limited := become(t, d, ghent, packaging.Administrator, lines[0])
	seen, err := d.AlarmRules(t.Context(), limited.Scope())
	if err != nil || len(seen) != 4 || slices.ContainsFunc(seen, func(r packaging.AlarmRule) bool {
		return r.ID == all["of line 2"].ID
	}) {
		t.Errorf("they see %+v, %v", seen, err)
	}
	want := map[string]packaging.Code{
		"of line 2": packaging.NotFound, "of both": packaging.Forbidden, "of all": packaging.Forbidden,
	}
	for name, mine := range all {
		mine.Delay = time.Hour
		if mine.Kind.OfLine() {
			mine.Lines = lines[:1] // as the form of the page has it
		}
		err := d.SetAlarmRule(t.Context(), limited, mine)
		code, denied := want[name]
		if !denied {
			if err != nil {
				t.Errorf("set %s: %v", name, err)
			}
			continue
		}
		if packaging.CodeOf(err) != code {
			t.Errorf("set %s: %v", name, err)
		}
		if err := d.RemoveAlarmRule(t.Context(), limited, mine.ID); packaging.CodeOf(err) != code {
			t.Errorf("remove %s: %v", name, err)
		}
	}
	for _, beyond := range [][]packaging.LineID{nil, lines, lines[1:]} {
		rule := all["of line 1"]
		rule.Lines = beyond
		for _, rule.ID = range []packaging.AlarmRuleID{0, all["of line 1"].ID} {
			if err := d.SetAlarmRule(t.Context(), limited, rule); packaging.CodeOf(err) != packaging.Forbidden {
				t.Errorf("rule %d gets lines %v: %v", rule.ID, beyond, err)
			}
		}
	}
	for id, name := range named {
		err := d.RemoveRecipient(t.Context(), limited, id)
		if (name == "ours") != (err == nil) {
			t.Errorf("remove the recipient %s: %v", name, err)
		}
	}
}

func TestWhatWaitsIsCountedUntilItIsDealtWith(t *testing.T) {
	d, ghent, basel := opened(t)
	ghent = become(t, d, ghent, everything)
	waiting := func(tenant packaging.TenantID) packaging.Waiting {
		t.Helper()
		w, err := d.Waiting(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := waiting(ghent.Tenant.ID); len(w.Lists) > 0 || w.Alarms+w.Messages > 0 || !w.OldestList.IsZero() ||
		!w.OldestMessage.IsZero() {
		t.Errorf("%+v", w)
	}
	id, _, _ := setAlarms(t, d, ghent)
	if err := d.SetAlarmRule(
		t.Context(), ghent, packaging.AlarmRule{Kind: packaging.AlarmDelivery, First: []packaging.RecipientID{id}},
	); err != nil {
		t.Fatal(err)
	}
	to := add(t, d, ghent, folderOn("L1", "Share"))
	release(t, d, ghent, "plain", "S1", "S2")
	release(t, d, ghent, "odd", "S1", "S1")
	if err := d.RaiseAlarms(t.Context(), ghent.Tenant, nil); err != nil {
		t.Fatal(err)
	}
	w := waiting(ghent.Tenant.ID)
	if w.Lists[packaging.DeliveryWaiting]+w.Lists[packaging.DeliveryHeld] != 2 ||
		w.Lists[packaging.DeliveryHeld] == 0 ||
		w.OldestList.IsZero() || w.Alarms != 2 || w.Messages != 1 || w.OldestMessage.IsZero() {
		t.Errorf("%+v", w)
	}
	if theirs := waiting(basel.Tenant.ID); len(theirs.Lists) > 0 || theirs.Alarms > 0 {
		t.Errorf("another site has %+v", theirs)
	}
	due, err := d.DueMessages(t.Context())
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	if err := d.MessageSent(t.Context(), due[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := d.RetireDestination(t.Context(), ghent, to, "replaced"); err != nil {
		t.Fatal(err)
	}
	if w := waiting(ghent.Tenant.ID); len(w.Lists) > 0 || w.Messages > 0 {
		t.Errorf("%+v", w)
	}
}

func TestManyAlarmsThatBeginAtOnceWaitAsOneMessage(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	id, _, _ := setAlarms(t, d, ghent)
	if err := d.SetAlarmRule(
		t.Context(), ghent, packaging.AlarmRule{Kind: packaging.AlarmDelivery, First: []packaging.RecipientID{id}},
	); err != nil {
		t.Fatal(err)
	}
	for n := range 25 {
		add(t, d, ghent, folderOn("L1", fmt.Sprint("Share ", n)))
	}
	release(t, d, ghent, "Order143", "S1", "S2")
	if err := d.RaiseAlarms(t.Context(), ghent.Tenant, nil); err != nil {
		t.Fatal(err)
	}
	if w, err := d.Waiting(t.Context(), ghent.Tenant.ID); err != nil || w.Alarms != 25 || w.Messages != 1 {
		t.Errorf("%+v %v", w, err)
	}
	if due, err := d.DueMessages(t.Context()); err != nil || len(due) != 1 || len(due[0].Items) != 25 {
		t.Errorf("%d messages: %v", len(due), err)
	}
}

// Who took an alarm over and is gone takes care of nothing: it is told on, and somebody else can take it.
func TestAnAlarmOfAPersonWhoIsGoneIsToldOnAndTakenByAnother(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	id, _, _ := setAlarms(t, d, ghent)
	if err := d.SetAlarmRule(t.Context(), ghent, packaging.AlarmRule{
		Kind: packaging.AlarmDelivery, First: []packaging.RecipientID{id}, Repeat: time.Minute,
	}); err != nil {
		t.Fatal(err)
	}
	add(t, d, ghent, folderOn("L1", "Share"))
	release(t, d, ghent, "Order143", "S1", "S2")
	told := func() (n int) {
		t.Helper()
		err := d.RaiseAlarms(t.Context(), ghent.Tenant, nil)
		if err == nil {
			err = d.read.QueryRowContext(t.Context(), `SELECT count(*) FROM alarm_items`).Scan(&n)
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	told()
	err := d.AddPerson(t.Context(), ghent, packaging.Person{
		Author: packaging.Author{Username: "nadia", FullName: "Nadia", Role: packaging.Supervisor},
	}, secret.New("canary-password"))
	if err != nil {
		t.Fatal(err)
	}
	d.exec(t, `UPDATE users SET password_set_by = '' WHERE username = 'nadia'`) // she has chosen her own
	user, _, err := d.Credential(t.Context(), "nadia")
	if err != nil {
		t.Fatal(err)
	}
	nadia, err := d.Memberships(t.Context(), user)
	if err == nil {
		err = d.TakeAlarm(t.Context(), nadia[0], 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	real := d.now
	d.now = func() time.Time { return real().Add(time.Hour) }
	if n := told(); n != 1 {
		t.Errorf("%d words of an alarm that somebody takes care of", n)
	}
	if err := d.TakeAlarm(t.Context(), ghent, 1); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("a second person takes it: %v", err)
	}
	if err := d.SetPersonActive(t.Context(), ghent, user, false); err != nil {
		t.Fatal(err)
	}
	if n := told(); n != 2 {
		t.Errorf("%d words of an alarm whose person is gone", n)
	}
	if err := d.TakeAlarm(t.Context(), ghent, 1); err != nil {
		t.Errorf("another person takes it: %v", err)
	}
	all, err := d.LastingAlarms(t.Context(), ghent.Scope())
	if err != nil || len(all) != 1 || all[0].Taken.ID != ghent.ID {
		t.Errorf("%+v %v", all, err)
	}
}

func TestAMessageThatAKillCutOffIsDueAtOnceAfterAStartAndOneThatFailedIsNot(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	id, _, _ := setAlarms(t, d, ghent)
	if err := d.SetAlarmRule(
		t.Context(), ghent, packaging.AlarmRule{Kind: packaging.AlarmList, First: []packaging.RecipientID{id}},
	); err != nil {
		t.Fatal(err)
	}
	release(t, d, ghent, "odd", "S1", "S1")
	if err := d.RaiseAlarms(t.Context(), ghent.Tenant, nil); err != nil {
		t.Fatal(err)
	}
	due := func() (ids []string) {
		t.Helper()
		messages, err := d.DueMessages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			ids = append(ids, m.ID)
		}
		return ids
	}
	began := due()
	if len(began) != 1 || len(due()) > 0 {
		t.Fatalf("%q are due", began)
	}
	resume := func() []string {
		t.Helper()
		if err := d.ResumeMessages(t.Context()); err != nil {
			t.Fatal(err)
		}
		return due()
	}
	if again := resume(); !slices.Equal(again, began) {
		t.Errorf("after a start %q are due, want %q", again, began)
	}
	if err := d.MessageFailed(t.Context(), packaging.AlarmMessage{ID: began[0], Made: d.now()}, "busy"); err != nil {
		t.Fatal(err)
	}
	if again := resume(); len(again) > 0 {
		t.Errorf("what failed is not waited for: %q", again)
	}
}

func TestWhoWasToldThatAnAlarmBeganIsToldOfItsEndThoughItsRuleIsGone(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	id, _, _ := setAlarms(t, d, ghent)
	if err := d.SetAlarmRule(
		t.Context(), ghent, packaging.AlarmRule{Kind: packaging.AlarmDelivery, First: []packaging.RecipientID{id}},
	); err != nil {
		t.Fatal(err)
	}
	to := add(t, d, ghent, folderOn("L1", "Share"))
	said := func() (all []packaging.AlarmSays) {
		t.Helper()
		if err := d.RaiseAlarms(t.Context(), ghent.Tenant, nil); err != nil {
			t.Fatal(err)
		}
		due, err := d.DueMessages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range due {
			if err := d.MessageSent(t.Context(), m.ID); err != nil {
				t.Fatal(err)
			}
			for _, i := range m.Items {
				all = append(all, i.Says)
			}
		}
		if err := d.DropMessages(t.Context(), d.now().Add(time.Hour)); err != nil { // a month later
			t.Fatal(err)
		}
		return all
	}
	removeRules := func() {
		t.Helper()
		rules, err := d.AlarmRules(t.Context(), ghent.Scope())
		for _, r := range rules {
			if err == nil {
				err = d.RemoveAlarmRule(t.Context(), ghent, r.ID)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	release(t, d, ghent, "a", "S1", "S2")
	if got := said(); !slices.Equal(got, []packaging.AlarmSays{packaging.AlarmBegan}) {
		t.Fatalf("a list waits: %q", got)
	}
	removeRules()
	if got := said(); !slices.Equal(got, []packaging.AlarmSays{packaging.AlarmWithdrawn}) {
		t.Errorf("the list waits still, and the rule is gone: %q", got)
	}
	if err := d.SetAlarmRule(
		t.Context(), ghent, packaging.AlarmRule{Kind: packaging.AlarmDelivery, First: []packaging.RecipientID{id}},
	); err != nil {
		t.Fatal(err)
	}
	if got := said(); !slices.Equal(got, []packaging.AlarmSays{packaging.AlarmBegan}) {
		t.Fatalf("a new rule: %q", got)
	}
	removeRules()
	if err := d.RetireDestination(t.Context(), ghent, to, "replaced"); err != nil {
		t.Fatal(err)
	}
	if got := said(); !slices.Equal(got, []packaging.AlarmSays{packaging.AlarmOver}) {
		t.Errorf("nothing waits any more, and the rule is gone: %q", got)
	}
	var left int
	if err := d.read.QueryRowContext(t.Context(), `SELECT count(*) FROM alarm_messages`).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d messages of alarms that ended are kept: %v", left, err)
	}
}

func TestEachKindOfAlarmOfASiteHasWhatBringsItAndWhatEndsIt(t *testing.T) {
	thorough.Once(t)
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	answered := func(key string, a packaging.Answer) packaging.Order {
		t.Helper()
		o, err := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts(key)).ID})
		must(err)
		_, err = d.Settle(t.Context(), o, a)
		must(err)
		return order(t, d, ghent.Tenant.ID, key)
	}
	acknowledge := func(o packaging.Order) { must(d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, "seen")) }
	failed := func(reason packaging.Reason) {
		must(d.RefreshFailed(t.Context(), ghent.Tenant.ID, d.now(), &packaging.CallError{Reason: reason}))
	}
	var o packaging.Order
	var refreshed, answer time.Time
	works := func() { refreshed = d.now(); cache(t, d, ghent.Tenant.ID, facts("a")) }
	for _, step := range []struct {
		name string
		do   func()
		want []packaging.AlarmKind
	}{
		{"nothing", works, nil},
		{"time passes", func() { real := d.now; d.now = func() time.Time { return real().Add(time.Hour) } }, nil},
		{"a refresh fails", func() { failed(packaging.Cut) }, []packaging.AlarmKind{packaging.AlarmStale}},
		{
			"the API refuses the credentials", func() { failed(packaging.TokenRejected) },
			[]packaging.AlarmKind{packaging.AlarmCredentials, packaging.AlarmStale},
		},
		{"a refresh works", works, nil},
		{
			"an outcome is unknown", func() { answer = d.now(); o = unknownRelease(t, d, ghent, "unknown") },
			[]packaging.AlarmKind{packaging.AlarmUnknown},
		},
		{
			"a sign settles it as not released", func() { must(d.SettleByStatus(t.Context(), o, saidPending)) },
			[]packaging.AlarmKind{packaging.AlarmRefused},
		},
		{
			"a status contradicts that", func() { o = becomes(t, d, o, packaging.InProgress) },
			[]packaging.AlarmKind{packaging.AlarmContradicted},
		},
		{
			"it is settled by the status", func() {
				must(d.SettleByStatus(t.Context(), o, packaging.Settlement{
					Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress,
					Serials: []string{"S1", "S2"},
				}))
			}, []packaging.AlarmKind{packaging.AlarmList},
		},
		{"somebody has seen it", func() { acknowledge(order(t, d, ghent.Tenant.ID, o.Key)) }, nil},
		{
			"a release is refused",
			func() {
				o = answered("refused", packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotValid})
			},
			[]packaging.AlarmKind{packaging.AlarmRefused},
		},
		{"somebody has seen that", func() { acknowledge(o) }, nil},
		{
			"a list waits for its destination", func() {
				add(t, d, ghent, folderOn("L1", "Share"))
				o = release(t, d, ghent, "waits", "S3", "S4")
			}, []packaging.AlarmKind{packaging.AlarmDelivery},
		},
		{
			"a person carries it there",
			func() { must(d.CarryDelivery(t.Context(), ghent, deliveriesTo(t, d, ghent, o)[0].ID, "on a stick")) }, nil,
		},
		{
			"a sequence stops", func() {
				first := cache(t, d, ghent.Tenant.ID, facts("b"))
				q, err := d.StartQueue(t.Context(), ghent, first.Line.ID, []packaging.QueuePick{{Order: first.ID}})
				must(err)
				must(d.EndQueue(t.Context(), q, ghent.Author, packaging.StopByPerson))
			}, []packaging.AlarmKind{packaging.AlarmSequence},
		},
	} {
		lasted, worked, began := kinds(t, d, ghent.Tenant.ID), refreshed, d.now()
		step.do()
		if got := kinds(t, d, ghent.Tenant.ID); !slices.Equal(got, step.want) {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
		all, err := alarmFacts(t.Context(), d.read, ghent.Tenant.ID)
		must(err)
		for _, f := range all {
			since := began
			switch {
			case f.Kind == packaging.AlarmStale || f.Kind == packaging.AlarmCredentials:
				since = worked // what is old is so since it last worked
			case f.OrderKey == "unknown" && f.Kind != packaging.AlarmContradicted:
				since = answer // that was unknown at first
			}
			if !slices.Contains(lasted, f.Kind) && (f.Since.Before(since) || f.Since.Sub(since) > 30*time.Second) {
				t.Errorf("%s: %s since %s, not since %s", step.name, f.Kind, f.Since, since)
			}
		}
	}
}

// After a try, which takes half a minute at most, the next one comes soon, and those that follow less and less often.
func TestAMessageThatDidNotGoOutIsTriedAgainSoonAndThenLessOften(t *testing.T) {
	for tries, want := range map[int]time.Duration{
		1: 15 * time.Second, 2: 30 * time.Second, 3: time.Minute, 6: 8 * time.Minute, 7: 10 * time.Minute, 1000: 10 * time.Minute,
	} {
		if got := pause(tries) - packaging.MessageLimit; got != want {
			t.Errorf("after %d tries it waits %s, want %s", tries, got, want)
		}
	}
}
