package packaging_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

func TestACallTookAsLongAsItWasSeenToTake(t *testing.T) {
	at := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		of   packaging.Release
		want time.Duration
	}{
		{packaging.Release{Outcome: packaging.Released, Proof: packaging.ByAnswer}, time.Hour},
		{packaging.Release{Outcome: packaging.Unknown, Reason: packaging.TimedOut}, time.Hour},
		{packaging.Release{Outcome: packaging.Unknown, Reason: packaging.Interrupted}, 0},
		{packaging.Release{Outcome: packaging.Unknown, Reason: packaging.RecordLost}, 0},
		{packaging.Release{Outcome: packaging.Released, Proof: packaging.ByStatus}, 0},
		{packaging.Release{Outcome: packaging.Refused, Proof: packaging.ByPerson}, 0},
		{packaging.Release{Outcome: packaging.Released, Proof: packaging.ByAnswer, Lost: true}, 0},
	} {
		test.of.Requested, test.of.Answered = at, at.Add(time.Hour)
		if got := test.of.Took(); got != test.want {
			t.Errorf("%+v took %v, want %v", test.of, got, test.want)
		}
	}
}

func TestAStatusIsUnderstoodInAnySpellingAndOtherwiseKept(t *testing.T) {
	for raw, want := range map[string]packaging.Status{
		"Pending release":   packaging.PendingRelease,
		"PENDING_RELEASE":   packaging.PendingRelease,
		"pending-release":   packaging.PendingRelease,
		"pendingRelease":    packaging.PendingRelease,
		" In Progress ":     packaging.InProgress,
		"in_progress":       packaging.InProgress,
		"OPEN":              packaging.Open,
		"suspended":         packaging.Suspended,
		"done":              packaging.Done,
		"":                  "",
		" Waiting for QA ":  "Waiting for QA",
		"Pending":           "Pending",
		"<b>released</b>":   "<b>released</b>",
		"Freigabe erteilt™": "Freigabe erteilt™",
	} {
		if got := packaging.ParseStatus(raw); got != want {
			t.Errorf("ParseStatus(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestSerialsExpectedIsQuantityPlusExtraRoundedUp(t *testing.T) {
	for _, test := range []struct {
		quantity, extra string
		want            int64
		known           bool
	}{
		{"10", "10", 11, true},
		{"10", "", 10, true},
		{"10", "0", 10, true},
		{"10", "1", 11, true},
		{"101", "2.5", 104, true},
		{"3", "33.333333", 4, true},
		{"100000", "10", 110000, true},
		{"999999999999", "100", 1999999999998, true},
		{"0", "10", 0, true},
		{"", "10", 0, false},
		{"ten", "10", 0, false},
		{"10", "ten", 0, false},
		{"-10", "10", 0, false},
		{"1e9", "10", 0, false},
		{"9999999999999", "10", 0, false},
		{"999999999999", "999999999999", 0, false}, // more than 64 bits count
		{"999999999999", "900000000", 9000000999990999999, true},
	} {
		got, known := packaging.Facts{Quantity: test.quantity, ExtraPercent: test.extra}.SerialsExpected()
		if got != test.want || known != test.known {
			t.Errorf("%q + %q %%: %d, %v; want %d, %v", test.quantity, test.extra, got, known, test.want, test.known)
		}
	}
}

func TestAnOrderTellsWhatStandsInTheWayOfItsRelease(t *testing.T) {
	pending := packaging.Facts{Key: "Order143", Status: packaging.PendingRelease}
	with := func(o packaging.Outcome) *packaging.Release { return &packaging.Release{Outcome: o} }
	for name, test := range map[string]struct {
		order packaging.Order
		want  packaging.Obstacle
	}{
		"pending": {packaging.Order{Facts: pending}, packaging.NoObstacle},
		"pending, refused before": {
			packaging.Order{Facts: pending, Release: with(packaging.Refused)}, packaging.NoObstacle,
		},
		"pending, being released": {
			packaging.Order{Facts: pending, Release: with(packaging.Sending)}, packaging.BeingReleased,
		},
		"pending, outcome unknown": {
			packaging.Order{Facts: pending, Release: with(packaging.Unknown)}, packaging.OutcomeUnknown,
		},
		"pending, released before": {
			packaging.Order{Facts: pending, Release: with(packaging.Released)}, packaging.AlreadyReleased,
		},
		"pending, gone": {packaging.Order{Facts: pending, Gone: true}, packaging.OrderGone},
		"pending, withdrawn": {
			packaging.Order{Facts: pending, Withdrawn: packaging.Withdrawal{At: time.Unix(1, 0)}}, packaging.WasWithdrawn,
		},
		"pending, of an import alone": {packaging.Order{Facts: pending, NotYetKnown: true}, packaging.NotYetKnown},
		"pending, its release lost": {
			packaging.Order{Facts: pending, Release: &packaging.Release{Outcome: packaging.Refused, Lost: true}},
			packaging.ReleaseWasLost,
		},
		"in progress": {
			packaging.Order{Facts: packaging.Facts{Key: "a", Status: packaging.InProgress}}, packaging.NotPending,
		},
		"a status nobody knows": {
			packaging.Order{Facts: packaging.Facts{Key: "a", Status: "Waiting"}}, packaging.NotPending,
		},
		"an ID of 255 characters": {
			packaging.Order{Facts: packaging.Facts{Key: strings.Repeat("é", 255), Status: packaging.PendingRelease}},
			packaging.NoObstacle,
		},
		"an ID of 256 characters": {
			packaging.Order{Facts: packaging.Facts{Key: strings.Repeat("é", 256), Status: packaging.PendingRelease}},
			packaging.KeyUnusable,
		},
		"no ID, which can't be stored": {
			packaging.Order{Facts: packaging.Facts{Status: packaging.PendingRelease}}, packaging.KeyUnusable,
		},
	} {
		if got := test.order.ReleaseObstacle(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestAListOfSerialsIsChecked(t *testing.T) {
	odd := func(kind packaging.OddityKind, n int64) packaging.Oddity {
		return packaging.Oddity{Kind: kind, Count: n}
	}
	for name, test := range map[string]struct {
		serials  []string
		expected int64
		known    bool
		want     []packaging.Oddity
	}{
		"as expected":           {[]string{"4YSr5oYFKHwP", "bfFWAkNskIGR"}, 2, true, nil},
		"case tells apart":      {[]string{"abc", "ABC"}, 2, true, nil},
		"expected is not known": {[]string{"a"}, 0, false, nil},
		"too few":               {[]string{"a"}, 2, true, []packaging.Oddity{odd(packaging.WrongCount, 1)}},
		"none":                  {nil, 2, true, []packaging.Oddity{odd(packaging.WrongCount, 0)}},
		"one three times":       {[]string{"a", "a", "a"}, 3, true, []packaging.Oddity{odd(packaging.Duplicates, 2)}},
		"all of CSET 82": {
			[]string{
				`!"%&'()*+,-./0123456`, "789:;<=>?ABCDEFGHIJK", "LMNOPQRSTUVWXYZ_abcd", "efghijklmnopqrstuvw", "xyz",
			},
			5, true, nil,
		},
		"space, hash, emoji": {
			[]string{"a b", "a#b", "😀"}, 3, true, []packaging.Oddity{odd(packaging.SerialAlphabet, 3)},
		},
		"20 characters, 21, 0": {
			[]string{strings.Repeat("a", 20), strings.Repeat("a", 21), ""},
			3, true,
			[]packaging.Oddity{odd(packaging.SerialLength, 2)},
		},
		"several things at once": {
			[]string{"a b", "a b"},
			3, true,
			[]packaging.Oddity{
				odd(packaging.WrongCount, 2), odd(packaging.Duplicates, 1), odd(packaging.SerialAlphabet, 2),
			},
		},
	} {
		if diff := cmp.Diff(test.want, packaging.CheckSerials(test.serials, test.expected, test.known)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// The layout is a promise to verifiers in other languages: this is it, written out by hand.
func TestTheDigestOfAnEntryIsAsDocumented(t *testing.T) {
	e := packaging.Entry{
		TenantID: 7, Seq: 42, At: time.UnixMilli(1_795_401_600_123),
		By:   packaging.Author{ID: 3, Username: "supervisor1", FullName: "Anna Kovács", Role: packaging.Supervisor},
		Deed: packaging.ReleaseEnded, OrderID: 9, OrderKey: "Order143", LineCode: "L1", LineName: "Blister line 1",
		ReleaseID: 11,
		Outcome:   packaging.Released, Took: 1500 * time.Millisecond, HTTPStatus: 200,
		Message: "Packaging order released", Serials: 11,
	}
	e.Prev[0], e.Prev[31] = 0xab, 0x01
	e.By.Station, e.Comment = "Tablet at L1", "asked by phone"
	e.Records, e.RecordsDigest[0] = 12, 0xcd
	content := "64:ab" + strings.Repeat(
		"0", 60,
	) + "01,1:7,2:42,13:1795401600123,1:3,11:supervisor1,12:Anna Kovács,10:supervisor," +
		"13:release_ended,1:9,8:Order143,2:L1,14:Blister line 1,2:11,0:,0:,0:,8:released,0:,4:1500,3:200,0:,24:Packaging order released,2:11,"
	for format, layout := range map[int]string{
		1: "19:lineboard history 1," + content,
		2: "19:lineboard history 2," + content + "12:Tablet at L1,14:asked by phone,",
		3: "19:lineboard history 3," + content + "12:Tablet at L1,14:asked by phone,2:12,64:cd" +
			strings.Repeat("0", 62) + ",",
	} {
		e.Format = format
		want := sha256.Sum256([]byte(layout))
		if got := e.Digest(); got != want {
			t.Errorf("format %d: got %s, want %s", format, hex.EncodeToString(got[:]), hex.EncodeToString(want[:]))
		}
	}
}

func TestEveryFieldOfAnEntryIsInItsDigest(t *testing.T) {
	plain := packaging.Entry{Format: packaging.EntryFormat}
	sum := plain.Digest()
	for name, change := range map[string]func(*packaging.Entry){
		"tenant":   func(e *packaging.Entry) { e.TenantID = 1 },
		"seq":      func(e *packaging.Entry) { e.Seq = 1 },
		"at":       func(e *packaging.Entry) { e.At = time.UnixMilli(1) },
		"user":     func(e *packaging.Entry) { e.By.ID = 1 },
		"username": func(e *packaging.Entry) { e.By.Username = "1" },
		"name":     func(e *packaging.Entry) { e.By.FullName = "1" },
		"role":     func(e *packaging.Entry) { e.By.Role = "1" },
		"deed":     func(e *packaging.Entry) { e.Deed = "1" },
		"order":    func(e *packaging.Entry) { e.OrderID = 1 },
		"key":      func(e *packaging.Entry) { e.OrderKey = "1" },
		"line":     func(e *packaging.Entry) { e.LineCode = "1" },
		"linename": func(e *packaging.Entry) { e.LineName = "1" },
		"release":  func(e *packaging.Entry) { e.ReleaseID = 1 },
		"object":   func(e *packaging.Entry) { e.Object = "1" },
		"old":      func(e *packaging.Entry) { e.Old = "1" },
		"new":      func(e *packaging.Entry) { e.New = "1" },
		"outcome":  func(e *packaging.Entry) { e.Outcome = "1" },
		"reason":   func(e *packaging.Entry) { e.Reason = "1" },
		"took":     func(e *packaging.Entry) { e.Took = time.Second },
		"http":     func(e *packaging.Entry) { e.HTTPStatus = 1 },
		"code":     func(e *packaging.Entry) { e.Code = "1" },
		"message":  func(e *packaging.Entry) { e.Message = "1" },
		"serials":  func(e *packaging.Entry) { e.Serials = 1 },
		"prev":     func(e *packaging.Entry) { e.Prev[5] = 1 },
		"station":  func(e *packaging.Entry) { e.By.Station = "1" },
		"comment":  func(e *packaging.Entry) { e.Comment = "1" },
		"records":  func(e *packaging.Entry) { e.Records = 1 },
		"digest":   func(e *packaging.Entry) { e.RecordsDigest[5] = 1 },
		"format":   func(e *packaging.Entry) { e.Format = 1 },
	} {
		changed := plain
		change(&changed)
		if other := changed.Digest(); bytes.Equal(sum[:], other[:]) {
			t.Errorf("a change of %s does not show in the digest", name)
		}
	}
}

func TestOnlySupervisorsAndManagersRelease(t *testing.T) {
	want := map[packaging.Role]bool{packaging.Supervisor: true, packaging.Manager: true}
	for _, role := range append([]packaging.Role{"", "owner"}, packaging.Roles...) {
		if role.May(packaging.ReleaseOrders) != want[role] {
			t.Errorf("%q may release: %v", role, !want[role])
		}
	}
}

func TestSeveralRolesMayWhatEachOfThemMay(t *testing.T) {
	both := packaging.JoinRoles(packaging.Supervisor, packaging.Administrator, packaging.Supervisor)
	if both != "administrator+supervisor" || !both.Known() {
		t.Fatalf("joined %q", both)
	}
	if !both.May(packaging.ReleaseOrders) || !both.May(packaging.Administer) || both.May(packaging.ReviewShifts) {
		t.Error("an administrator who is a supervisor too may not what each of them may, or more")
	}
	if packaging.Role("administrator+owner").Known() || packaging.Role("").Known() {
		t.Error("a role that there is not counts as known")
	}
}

func TestWhoIsLimitedToLinesMayNothingElsewhere(t *testing.T) {
	p := packaging.Person{Author: packaging.Author{Role: packaging.Supervisor}, Lines: []packaging.LineID{2, 3}}
	for line, want := range map[packaging.LineID]bool{0: false, 1: false, 2: true, 3: true} {
		if p.MayOn(packaging.ReleaseOrders, line) != want {
			t.Errorf("on line %d: %v", line, !want)
		}
	}
	p.Lines = nil
	if !p.MayOn(packaging.ReleaseOrders, 0) || p.MayOn(packaging.Administer, 1) {
		t.Error("who is not limited may do on each line what the role allows, and no more")
	}
}

func TestTheEnvironmentIsToldByTheHost(t *testing.T) {
	for base, want := range map[string]packaging.Environment{
		"https://api.movilitas.cloud":      packaging.Production,
		"https://api-acc.movilitas.cloud/": packaging.Acceptance,
		"http://127.0.0.1:8090":            packaging.Sandbox,
		"http://[::1]:8090":                packaging.Sandbox,
		"http://localhost:8090":            packaging.Sandbox,
		"https://api.movilitas.cloud.evil": packaging.OtherHost,
		"https://gateway.plant.example":    packaging.OtherHost,
		"":                                 packaging.OtherHost,
	} {
		if got := (packaging.Tenant{BaseURL: base}).Environment(); got != want {
			t.Errorf("%q: %s, want %s", base, got, want)
		}
	}
}

func TestAPINThatIsEasilyGuessedIsRefused(t *testing.T) {
	for _, pin := range []string{
		// rows, repetitions, few digits
		"000000", "123456", "987654", "890123", "121212", "427427", "112233", "123321", "111222", "200000", "101010",
		"102030", "121314", "147258", "159753", "741852", "12341234",
		// too short, too long, no digits
		"", "27182", "2718281828459", "27182a", "２７１８２８",
	} {
		if packaging.CheckPIN(pin) == nil {
			t.Errorf("%s is taken", pin)
		}
	}
	for _, pin := range []string{"271828", "903417", "660184", "314159265", "480052716394"} {
		if err := packaging.CheckPIN(pin); err != nil {
			t.Errorf("%s is refused: %v", pin, err)
		}
	}
}

// A fact of an order is a text that the API gives. Its key, status and line have rules of their own.
func TestEveryFactIsFilledInAndCompared(t *testing.T) {
	for field := range reflect.TypeFor[packaging.Facts]().Fields() {
		if field.Type.Kind() != reflect.String || slices.Contains([]string{"Key", "Status"}, field.Name) {
			continue
		}
		var given packaging.Facts
		reflect.ValueOf(&given).Elem().FieldByName(field.Name).SetString("given")
		if filled := (packaging.Facts{}).FilledFrom(given); !reflect.DeepEqual(filled, given) {
			t.Errorf("%s is not filled in", field.Name)
		}
		changes := given.ChangesFrom(packaging.Facts{})
		if line := strings.HasPrefix(field.Name, "Line"); !line && len(changes) != 1 {
			t.Errorf("%s changes %v", field.Name, changes)
		}
	}
}

func TestAnErrorSaysItsCodeItsSentenceAndItsCause(t *testing.T) {
	err := packaging.Fail(packaging.Invalid, "shifts.overlap", "Name", "Late", "Other", "Early", "left over")
	if got := err.Error(); got != "invalid: shifts.overlap" {
		t.Errorf("%q", got)
	}
	if diff := cmp.Diff(map[string]string{"Name": "Late", "Other": "Early"}, err.Args); diff != "" {
		t.Errorf("the gaps of its sentence (-want +got):\n%s", diff)
	}
	if got := packaging.Fail(packaging.Invalid, "shifts.overlap").Args; got != nil {
		t.Errorf("a sentence without gaps has %v", got)
	}
	why := errors.New("the disk is full")
	because := err.Because(why)
	if got := because.Error(); got != "invalid: shifts.overlap: the disk is full" {
		t.Errorf("%q", got)
	}
	if !errors.Is(because, why) || err.Err != nil {
		t.Error("the cause is not in the error, or in the one without it")
	}
}
