package packaging

import (
	"time"
)

// TestStep is a step of a test of the connection.
type TestStep string

// The steps, in their order. The last two only read: a test releases nothing.
const (
	CheckSettings TestStep = "settings"
	SignInStep    TestStep = "sign_in"
	ListStep      TestStep = "open"
	DetailsStep   TestStep = "details"
)

// TestSteps are all of them.
var TestSteps = []TestStep{CheckSettings, SignInStep, ListStep, DetailsStep}

// ConnectionReport is what a test of the connection to the remote API found. Of credentials it holds nothing.
type ConnectionReport struct {
	At     time.Time
	Steps  []StepReport // those that were taken, the last one may have failed
	Orders int          // how many the list has
	// Nameless is how many of its elements have no order ID.
	Nameless int
	Sample   *SampleOrder // nil where no order came
}

// StepReport is what one step came to.
type StepReport struct {
	Step    TestStep
	Took    time.Duration
	Problem *CallError // nil where it worked
	Skipped bool       // there was nothing to do, as signing in with a static token, or details of no order
	Place   string     // the name under which the answer has what was looked for, empty for the whole answer
}

// SampleOrder is one order as the API gave it and as it is understood.
type SampleOrder struct {
	Raw    string // JSON of the list, indented; a long one is cut
	Fields []FieldReport
	Unused []string // names in the order that are not understood
}

// FieldReport is where a field of an order was found.
type FieldReport struct {
	Field     OrderField
	Name      string   // as the API spells it, with dots into objects; empty where none holds anything
	InDetails bool     // the list does not have it, the order's details do
	Value     string   // as it is understood
	Accepted  []string // the names that are looked for
}

// OrderField is a field of an order.
type OrderField string

// The fields, in the order in which reports have them.
const (
	FieldKey      OrderField = "key"
	FieldStatus   OrderField = "status"
	FieldLineCode OrderField = "line_code"
	FieldLineName OrderField = "line_name"
	FieldProduct  OrderField = "product"
	FieldGTIN     OrderField = "gtin"
	FieldLot      OrderField = "lot"
	FieldExpiry   OrderField = "expiry"
	FieldQuantity OrderField = "quantity"
	FieldExtra    OrderField = "extra"
)

// OrderFields are all of them.
var OrderFields = []OrderField{
	FieldKey, FieldStatus, FieldLineCode, FieldLineName, FieldProduct, FieldGTIN, FieldLot, FieldExpiry, FieldQuantity,
	FieldExtra,
}

// Failed is the step that did not work, or nil.
func (r ConnectionReport) Failed() *StepReport {
	for i := range r.Steps {
		if r.Steps[i].Problem != nil {
			return &r.Steps[i]
		}
	}
	return nil
}

// Works says whether every step did.
func (r ConnectionReport) Works() bool { return len(r.Steps) > 0 && r.Failed() == nil }

// Took is how long all steps took.
func (r ConnectionReport) Took() (sum time.Duration) {
	for _, s := range r.Steps {
		sum += s.Took
	}
	return sum
}

// ConnectionHealth is how a tenant's client has fared since it was made. It knows nothing of the token but its end.
type ConnectionHealth struct {
	ValidUntil time.Time     // of the dynamic token at hand; zero where there is none
	LastGood   time.Time     // the last call that was answered as documented, zero for none
	LastBad    time.Time     // the last one that was not
	Problem    *CallError    // why the one at LastBad was not
	DownSince  time.Time     // the API counts as down since then; zero where it does not
	Dated      bool          // an answer said what time it is
	ClockOff   time.Duration // the API's clock less this one's, by the newest such answer
	Echoed     time.Time     // when an answer last held one of our credentials; zero where none did
}

// CredentialState says of a credential whether it is set, when and by whom. What it is can't be read.
type CredentialState struct {
	Name string // as in [Entry.Object], for example "api_key"
	Set  bool
	At   time.Time // zero where that is not known
	By   string
}

// CredentialNames are those of all credentials of a tenant.
var CredentialNames = []string{"api_key", "api_secret", "channel_key", "static_token"}

// CredentialsEnd is what is known of the end of a tenant's credentials.
type CredentialsEnd struct {
	LastDay    Day       // on which they work, as an administrator noted it; empty for none
	Token      time.Time // when the static token itself says that it expires; zero where it does not say
	RemindDays int       // how many days before people are told
}

// DefaultRemindDays is how many days before the end of credentials people are told.
const DefaultRemindDays = 30

// Check fails unless the end can be noted.
func (c CredentialsEnd) Check() error {
	if _, ok := ParseDay(string(c.LastDay)); c.LastDay != "" && !ok {
		return Fail(Invalid, "admin.ending.bad_day")
	}
	if c.RemindDays < 1 || c.RemindDays > 365 {
		return Fail(Invalid, "admin.ending.bad_remind")
	}
	return nil
}

// At returns when the credentials end by the clock of a site, whichever end that is known comes first; zero where none
// is. The last day is whole.
func (c CredentialsEnd) At(zone *time.Location) (at time.Time) {
	if c.LastDay != "" {
		at = At(c.LastDay.Plus(1), 0, zone)
	}
	if at.IsZero() || !c.Token.IsZero() && c.Token.Before(at) {
		at = c.Token
	}
	return at
}

// Day returns the last day on which the credentials work; empty where no end is known.
func (c CredentialsEnd) Day(zone *time.Location) Day {
	at := c.At(zone)
	if at.IsZero() {
		return ""
	}
	return DayOf(at.Add(-time.Millisecond), zone)
}

// RemindAt returns from when on people are told; zero where no end is known.
func (c CredentialsEnd) RemindAt(zone *time.Location) time.Time {
	last := c.Day(zone)
	if last == "" {
		return time.Time{}
	}
	return At(last.Plus(-c.RemindDays), 0, zone)
}

// Fact returns what an alarm can be about; ok is false before people are told.
func (c CredentialsEnd) Fact(now time.Time, zone *time.Location) (f AlarmFact, ok bool) {
	since, last := c.RemindAt(zone), string(c.Day(zone))
	if since.IsZero() || now.Before(since) {
		return f, false
	}
	return AlarmFact{Kind: AlarmEnding, Subject: "credentials until " + last, Since: since, Detail: last}, true
}

func (c CredentialsEnd) String() string {
	end := SaysNoEnd.Of()
	if c.LastDay != "" {
		end = SaysLastDay.Of(c.LastDay)
	}
	return end + ", " + SaysTold.Of(c.RemindDays)
}
