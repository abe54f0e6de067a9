package packaging

import (
	"cmp"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// AlarmKind says what an alarm is about.
type AlarmKind string

// The kinds. Those of the installation are about the program and its data, whatever the line.
const (
	AlarmUnknown      AlarmKind = "unknown"      // the outcome of a release is unknown
	AlarmRefused      AlarmKind = "refused"      // a release was refused
	AlarmContradicted AlarmKind = "contradicted" // a status contradicts what a release was settled as
	AlarmSequence     AlarmKind = "sequence"     // a sequence stopped, and some of its orders wait
	AlarmList         AlarmKind = "list"         // a serial list is odd or missing
	AlarmDelivery     AlarmKind = "delivery"     // a destination has not taken a list
	AlarmStale        AlarmKind = "stale"        // the orders were not refreshed
	AlarmCredentials  AlarmKind = "credentials"  // the API refuses the credentials
	AlarmEnding       AlarmKind = "ending"       // the credentials are about to end
	AlarmHandover     AlarmKind = "handover"     // nobody took a hand-over
	AlarmBackup       AlarmKind = "backup"       // the last backup failed
	AlarmAnchors      AlarmKind = "anchors"      // what happened can't be anchored
	AlarmHistory      AlarmKind = "history"      // the data or its history does not hold
	AlarmDisk         AlarmKind = "disk"         // the disk is nearly full
	AlarmCopy         AlarmKind = "copy"         // the copy that releases wait for is not there
)

// AlarmKinds are all of them, as Setup lists them.
var AlarmKinds = []AlarmKind{
	AlarmUnknown, AlarmRefused, AlarmContradicted, AlarmSequence, AlarmList, AlarmDelivery, AlarmStale,
	AlarmCredentials, AlarmEnding, AlarmHandover,
	AlarmBackup, AlarmAnchors, AlarmHistory, AlarmDisk, AlarmCopy,
}

// OfInstallation reports whether the kind is about the program and its data, and not about one site.
func (k AlarmKind) OfInstallation() bool {
	return slices.Contains([]AlarmKind{AlarmBackup, AlarmAnchors, AlarmHistory, AlarmDisk, AlarmCopy}, k)
}

// OfLine reports whether a fact of the kind belongs to a line.
func (k AlarmKind) OfLine() bool {
	return slices.Contains(
		[]AlarmKind{AlarmUnknown, AlarmRefused, AlarmContradicted, AlarmSequence, AlarmList, AlarmDelivery}, k,
	)
}

// RecipientID is our key of a recipient, AlarmRuleID of a rule, AlarmID of an alarm.
type (
	RecipientID int64
	AlarmRuleID int64
	AlarmID     int64
)

// RecipientKind is how a recipient is told.
type RecipientKind string

// The kinds of recipients.
const (
	ByMail    RecipientKind = "mail"
	ByWebhook RecipientKind = "webhook" // as Standard Webhooks specifies
	ByTeams   RecipientKind = "teams"   // a card, as Microsoft Teams takes it
	BySlack   RecipientKind = "slack"   // a text, as Slack takes it
)

// RecipientKinds are all of them.
var RecipientKinds = []RecipientKind{ByMail, ByWebhook, ByTeams, BySlack}

// Recipient is somebody or something that is told of alarms.
type Recipient struct {
	ID   RecipientID
	Name string
	Kind RecipientKind
	// Address is the addresses of mails, separated by commas. Of others it is the host alone: whoever knows the rest of
	// the URL can write there, so it is a secret.
	Address string
	Failed  string    // why the last message did not go out, empty if it did
	Told    time.Time // when a message last went out, zero for never
}

// MaxRecipients is how many recipients and how many rules of alarms a site can have.
const MaxRecipients = 50

// Check fails unless a recipient can be told. Target is the whole address: mail addresses, or a URL.
func (r Recipient) Check(target string) error {
	if name := strings.TrimSpace(r.Name); name == "" || len(name) > 80 {
		return Fail(Invalid, "alarms.bad_name")
	}
	switch {
	case !slices.Contains(RecipientKinds, r.Kind):
		return Fail(Invalid, "error.invalid")
	case r.Kind == ByMail:
		if _, err := MailAddresses(target); err != nil {
			return Fail(Invalid, "alarms.bad_mail").Because(err)
		}
		return nil
	}
	if !isPage(target) {
		return Fail(Invalid, "alarms.bad_url")
	}
	return nil
}

// MailAddresses reads addresses that are separated by commas. It fails where there is none or more than ten.
func MailAddresses(list string) (addresses []string, err error) {
	all, err := mail.ParseAddressList(list)
	if err != nil {
		return nil, err
	}
	if len(all) > 10 || strings.ContainsAny(list, "\r\n") {
		return nil, fmt.Errorf("%d mail addresses", len(all))
	}
	for _, a := range all {
		addresses = append(addresses, a.Address)
	}
	return addresses, nil
}

// AlarmRule says when an alarm of a kind begins, and who is told of it.
type AlarmRule struct {
	ID    AlarmRuleID
	Kind  AlarmKind
	Delay time.Duration // how long something must have lasted
	// between which times of the day alarms begin and are repeated; the same twice for the whole day
	From, To Minute
	Lines    []LineID      // whose alarms; none for all lines
	Repeat   time.Duration // until a person takes it over; 0 for once
	Next     time.Duration // after which those are told who come next; 0 for never
	First    []RecipientID
	Second   []RecipientID // who come next
	Sound    bool          // at the stations and walls of the line
}

// MaxAlarmTime bounds the delay, the repetition and the time until others are told.
const MaxAlarmTime = 7 * 24 * time.Hour

// Check fails unless a rule can be kept.
func (r AlarmRule) Check() error {
	known := slices.Contains(AlarmKinds, r.Kind)
	for _, d := range []time.Duration{r.Delay, r.Repeat, r.Next} {
		known = known && d >= 0 && d <= MaxAlarmTime && d%time.Minute == 0
	}
	switch {
	case !known || r.From < 0 || r.To < 0 || r.From >= 24*60 || r.To >= 24*60:
		return Fail(Invalid, "error.invalid")
	case (r.Next > 0) != (len(r.Second) > 0):
		return Fail(Invalid, "alarms.next_without")
	case len(r.Lines) > 0 && !r.Kind.OfLine():
		return Fail(Invalid, "alarms.no_line")
	}
	return nil
}

// Concerns reports whether the rule is about a line of the scope, or about none.
func (r AlarmRule) Concerns(in Scope) bool {
	return len(r.Lines) == 0 || !in.Limited() ||
		slices.ContainsFunc(r.Lines, func(l LineID) bool { return slices.Contains(in.Lines(), l) })
}

// Within reports whether the rule is about nothing beyond the scope. Who has the scope may set it then.
func (r AlarmRule) Within(in Scope) bool {
	if !in.Limited() || !r.Kind.OfLine() {
		return true
	}
	return len(r.Lines) > 0 &&
		!slices.ContainsFunc(r.Lines, func(l LineID) bool { return !slices.Contains(in.Lines(), l) })
}

// covers reports whether a fact is one that the rule is about.
func (r AlarmRule) covers(f AlarmFact) bool {
	return r.Kind == f.Kind && (len(r.Lines) == 0 || slices.Contains(r.Lines, f.Line.ID))
}

// inHours reports whether a moment lies in the rule's hours.
func (r AlarmRule) inHours(now time.Time) bool {
	minute := Minute(now.Hour()*60 + now.Minute())
	switch {
	case r.From == r.To:
		return true
	case r.From < r.To:
		return r.From <= minute && minute < r.To
	}
	return minute >= r.From || minute < r.To
}

// AlarmFact is something that is the case now and that an alarm can be about.
type AlarmFact struct {
	Kind     AlarmKind
	Subject  string // the same as long as it is the same thing: "release 12"
	Line     Line   // ID 0 for none
	OrderID  OrderID
	OrderKey string
	Since    time.Time
	Detail   string // the program's own words, such as the error of a backup; empty for none
}

// Alarm is an alarm of a rule about a fact.
type Alarm struct {
	ID    AlarmID
	Rule  AlarmRuleID
	Fact  AlarmFact
	Began time.Time
	Said  time.Time     // when its recipients were last told
	Told  []RecipientID // who was told that it began
	Sound bool
	Next  bool   // those who come next are told too
	Taken Author // who takes care of it, ID 0 for nobody
	At    time.Time
	Ended time.Time // zero while it lasts
}

// AlarmSays is what a message says of an alarm.
type AlarmSays string

// What messages say.
const (
	AlarmBegan     AlarmSays = "began"
	AlarmRepeated  AlarmSays = "repeated"
	AlarmPassedOn  AlarmSays = "passed_on" // to those who come next: nobody has taken it over
	AlarmOver      AlarmSays = "over"
	AlarmWithdrawn AlarmSays = "withdrawn" // its rule is gone or another, and tells nobody of what lasts any more
)

// AlarmStep is what happens to an alarm, and who is told.
type AlarmStep struct {
	Alarm Alarm
	Says  AlarmSays
	To    []RecipientID
}

// AlarmSteps returns what happens to the alarms of a site at a moment, by its own clock. Facts are all that are the
// case of the kinds that the rules are about.
func AlarmSteps(rules []AlarmRule, lasting []Alarm, facts []AlarmFact, now time.Time) (steps []AlarmStep) {
	type key struct {
		rule    AlarmRuleID
		subject string
	}
	was := map[key]Alarm{}
	for _, a := range lasting {
		was[key{a.Rule, a.Fact.Subject}] = a
	}
	for _, rule := range rules {
		for _, f := range facts {
			if !rule.covers(f) {
				continue
			}
			k := key{rule.ID, f.Subject}
			a, lasts := was[k]
			delete(was, k)
			if !lasts {
				a = Alarm{Rule: rule.ID, Fact: f, Sound: rule.Sound}
			}
			if step, ok := rule.next(a, lasts, now); ok {
				steps = append(steps, step)
			}
		}
	}
	for _, a := range was {
		a.Ended = now
		steps = append(steps, AlarmStep{Alarm: a, Says: a.ends(facts), To: a.hearOfTheEnd(rules)})
	}
	slices.SortFunc(steps, func(a, b AlarmStep) int {
		return cmp.Or(a.Alarm.Fact.Since.Compare(b.Alarm.Fact.Since), cmp.Compare(a.Alarm.Rule, b.Alarm.Rule))
	})
	return steps
}

// ends returns what is said of an alarm that ends: that it is over, or where what it is about lasts, no more than that
// its rule does not watch it any more.
func (a Alarm) ends(facts []AlarmFact) AlarmSays {
	if slices.ContainsFunc(facts, func(f AlarmFact) bool { return f.Kind == a.Fact.Kind && f.Subject == a.Fact.Subject }) {
		return AlarmWithdrawn
	}
	return AlarmOver
}

// hearOfTheEnd returns who is told that an alarm ends: who was told that it began, whatever became of its rule, and
// whom its rule names by now.
func (a Alarm) hearOfTheEnd(rules []AlarmRule) []RecipientID {
	all := slices.Clone(a.Told)
	if i := slices.IndexFunc(rules, func(r AlarmRule) bool { return r.ID == a.Rule }); i >= 0 {
		all = append(all, rules[i].told(a)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// next returns what happens to an alarm whose fact is the case.
func (r AlarmRule) next(a Alarm, lasts bool, now time.Time) (step AlarmStep, ok bool) {
	switch {
	case !r.inHours(now) || a.Taken.ID != 0:
		return step, false
	case !lasts:
		if now.Sub(a.Fact.Since) < r.Delay {
			return step, false
		}
		a.Began = now
		step.Says = AlarmBegan
	case r.Next > 0 && !a.Next && now.Sub(a.Began) >= r.Next:
		a.Next = true
		step.Says = AlarmPassedOn
	case r.Repeat > 0 && now.Sub(a.Said) >= r.Repeat:
		step.Says = AlarmRepeated
	default:
		return step, false
	}
	a.Said = now
	step.Alarm = a
	if step.To = r.told(a); step.Says == AlarmPassedOn {
		step.To = r.Second
	}
	step.Alarm.Told = append(slices.Clone(a.Told), step.To...)
	return step, true
}

// told returns who is told of an alarm by now.
func (r AlarmRule) told(a Alarm) []RecipientID {
	all := slices.Clone(r.First)
	if a.Next {
		all = append(all, r.Second...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Encryption is how a mail server is spoken to.
type Encryption string

// The kinds of encryption: TLS from the first byte, TLS after STARTTLS and never without, or none.
const (
	ImplicitTLS  Encryption = "tls"
	StartTLS     Encryption = "starttls"
	NoEncryption Encryption = "none"
)

// AlarmSettings is how a site sends its alarms.
type AlarmSettings struct {
	Address    string // of Lineboard's pages, for links; empty for none
	Language   string // BCP 47, of what is sent
	MailHost   string // of the server for mail, with its port; empty for none
	Encryption Encryption
	MailFrom   string
	MailUser   string // empty for no sign-in
	Password   CredentialState
	// Heartbeat is the host that is asked again and again, which raises an alarm of its own when Lineboard falls
	// silent. The whole URL is a secret. Empty for none.
	Heartbeat      string
	HeartbeatEvery time.Duration
	HeartbeatSaid  string // why the last beat did not arrive, empty if it did
}

// Check fails unless alarms can be sent in this way. Beat is the whole URL of the heartbeat, empty to leave it as it
// is.
func (s AlarmSettings) Check(beat string) error {
	host, port, err := net.SplitHostPort(s.MailHost)
	switch {
	case s.Address != "" && !isPage(s.Address), beat != "" && !isPage(beat):
		return Fail(Invalid, "alarms.bad_url")
	case s.MailHost != "" && (err != nil || host == "" || port == ""):
		return Fail(Invalid, "alarms.bad_mail_host")
	case !slices.Contains([]Encryption{ImplicitTLS, StartTLS, NoEncryption}, s.Encryption):
		return Fail(Invalid, "error.invalid")
	case s.HeartbeatEvery < 0 || s.HeartbeatEvery > 24*time.Hour || beat != "" && s.HeartbeatEvery < time.Minute:
		return Fail(Invalid, "alarms.bad_beat")
	case s.MailHost == "":
		return nil
	}
	if from, err := MailAddresses(s.MailFrom); err != nil || len(from) != 1 {
		return Fail(Invalid, "alarms.bad_mail").Because(err)
	}
	return nil
}

func isPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// MessageFailure is the error of a message that did not go out. Why is one line, and names no secret.
type MessageFailure struct{ Why string }

func (m *MessageFailure) Error() string { return m.Why }

// MessageLimit is how long a try to send a message may take.
const MessageLimit = 30 * time.Second

// AlarmMessage is what a recipient is told in one message: of one alarm, or of several at once.
type AlarmMessage struct {
	ID        string // the same each time that it is sent
	Tenant    Tenant
	Recipient Recipient
	Made      time.Time
	Items     []AlarmItem
	Tries     int
}

// AlarmItem is a part of a message.
type AlarmItem struct {
	Says  AlarmSays
	At    time.Time
	Alarm Alarm
}
