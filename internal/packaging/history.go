package packaging

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Deed is what an entry of the history records.
type Deed string

// The deeds. A release has two entries: requested before the call, and its outcome after it.
const (
	ReleaseRequested   Deed = "release_requested"
	ReleaseEnded       Deed = "release_ended"        // its outcome says how
	ReleaseDeclined    Deed = "release_declined"     // pressed, but not sent: its reason is the obstacle
	ReleaseAsked       Deed = "release_asked"        // a person had the API asked about an unknown outcome
	ReleaseSettled     Deed = "release_settled"      // an unknown outcome became known
	ReleaseUncopied    Deed = "release_uncopied"     // it went on though the copy of the data lacked it
	ReleaseReopened    Deed = "release_contradicted" // a status contradicts what it was settled as; New is the status
	ListAdded          Deed = "list_added"           // a missing serial list was added, by a person or from the details
	ListOdd            Deed = "list_odd"             // New says what is odd about the list that came
	AnswerKept         Deed = "answer_kept"          // by itself: it belongs to no release here with certainty
	AnswerDismissed    Deed = "answer_dismissed"     // one that was kept by itself needs nobody any more
	ResultAcknowledged Deed = "result_acknowledged"  // a person has looked at the result of a release
	OrderLineSet       Deed = "order_line_set"       // a person said which line an order is for; Old and New name lines
	OrderLineBack      Deed = "order_line_back"      // a person gave that back: it is as the API says again
	// a line that the API named was set up, with its orders; New names it
	LineAdopted       Deed = "line_adopted"
	QueueStarted      Deed = "queue_started"   // New lists its orders
	QueueEnded        Deed = "queue_ended"     // Reason says why
	QueueDiscarded    Deed = "queue_discarded" // a person gave up what a stopped one had left
	NoteWritten       Deed = "note_written"    // New is its words
	NoteWithdrawn     Deed = "note_withdrawn"  // Old is its words
	ShiftHandedOver   Deed = "shift_handed_over"
	ShiftTakenOver    Deed = "shift_taken_over"
	ItemsAcknowledged Deed = "items_acknowledged" // of a hand-over, after it was taken over
	ShiftReviewed     Deed = "shift_reviewed"     // New says of what the review was
	SignedIn          Deed = "signed_in"
	SignInDeclined    Deed = "sign_in_declined"
	SignedOut         Deed = "signed_out"
	// SessionEnded: by an administrator, by its own person from elsewhere, or at a locked station by the next person.
	// Old says where it was.
	SessionEnded     Deed = "session_ended"
	ThrottlingBegan  Deed = "throttling_began" // passwords are not looked at for a while: too many were wrong
	ThrottlingEnded  Deed = "throttling_ended" // New says how many tries there were meanwhile
	KeyRotated       Deed = "key_rotated"      // credentials are sealed with another key
	Exported         Deed = "exported"
	ConnectionTested Deed = "connection_tested" // Object says with which credentials, New how far it came
	OrdersImported   Deed = "orders_imported"   // Object is the file, New the counts and the digest of what was done
	OrderWithdrawn   Deed = "order_withdrawn"   // one that only an import told of
	// ValueGivenBack: an imported value counts no more. Object is the field, Old the value, New the API's.
	ValueGivenBack  Deed = "value_given_back"
	ImportGivenBack Deed = "import_given_back" // all values of an import; Object is the file, New the counts
	// as a barcode to try camera and scanner with; New is the serial number
	SerialShown       Deed = "serial_shown"
	TokenCreated      Deed = "token_created" // never with its value
	TokenRevoked      Deed = "token_revoked"
	HistoryVerified   Deed = "history_verified" // New is the verdict
	ViewSaved         Deed = "view_saved"       // a filter of the history under a name; New is its query
	ViewRemoved       Deed = "view_removed"
	TenantSet         Deed = "tenant_set"
	CredentialSet     Deed = "credential_set" // never with its value
	LineSet           Deed = "line_set"
	PersonSet         Deed = "person_set"
	PasswordSet       Deed = "password_set"
	PINDeclined       Deed = "pin_declined"       // a wrong PIN at a station
	PINSet            Deed = "pin_set"            // or taken away; New says whether there is one
	PasswordConfirmed Deed = "password_confirmed" // one that somebody else set; New says how
	BadgeConfirmed    Deed = "badge_confirmed"
	BadgeSet          Deed = "badge_set" // New says whether there is one
	StationSet        Deed = "station_set"
	StationRemoved    Deed = "station_removed"
	StationCoded      Deed = "station_coded" // a code was made that binds a tablet
	StationBound      Deed = "station_bound" // by the person who entered its code; New is the address
	StationUnbound    Deed = "station_unbound"
	StationLocked     Deed = "station_locked"     // by a person; what time locks, the next sign-in tells
	RulesSet          Deed = "rules_set"          // of stations and signatures
	Signed            Deed = "signed"             // New is the meaning and the hash
	SignDeclined      Deed = "signature_declined" // its reason says why
	ShiftsSet         Deed = "shifts_set"         // a plan of shifts, or who signs one

	// a start found that anchors know entries which are not there: a restore
	HistoryLost      Deed = "history_lost"
	ReleaseLost      Deed = "release_lost"      // a release was requested, and its record is among them
	LossAccepted     Deed = "loss_accepted"     // the program was told to start in spite of that
	LossAcknowledged Deed = "loss_acknowledged" // by an administrator; it binds what is lost for ever

	SignOnSet            Deed = "sign_on_set"      // how people sign in by their company's provider
	SignOnTested         Deed = "sign_on_tested"   // Object is the issuer, New how far it came
	SignOnDeclined       Deed = "sign_on_declined" // its reason says why
	IdentityConnected    Deed = "identity_connected"
	IdentityDisconnected Deed = "identity_disconnected"
	HumanSet             Deed = "human_set" // an administrator said whether accounts are of one human; New says so

	AlarmStarted       Deed = "alarm_started" // Object is its kind, New what it is about
	AlarmTaken         Deed = "alarm_taken"   // a person takes care of it
	AlarmEnded         Deed = "alarm_ended"
	AlarmsSet          Deed = "alarms_set"        // a rule, a recipient, or how alarms are sent
	AlarmTested        Deed = "alarm_tested"      // a person sent a message to try a recipient; New is what came of it
	AlarmUndelivered   Deed = "alarm_undelivered" // a message was tried for a day
	DestinationSet     Deed = "destination_set"   // never with its secret
	DestinationTried   Deed = "destination_tried"
	DestinationStopped Deed = "destination_stopped" // its lists wait
	DestinationStarted Deed = "destination_started"
	DestinationRetired Deed = "destination_retired"
	ListTaken          Deed = "list_taken"   // by the destination Object; New is the file and the SHA-256 of its bytes
	ListSent           Deed = "list_sent"    // by a person; Old is the state that it was in
	ListCarried        Deed = "list_carried" // a person brought the list there
	ListStopped        Deed = "list_stopped" // tried for too long; Reason is what the last try came to

	RecordsLogged Deed = "records_logged" // by an upgrade: New says how many records have another digest by it
	// a record was not what the log said when the program wrote it again; Object names it, New says what was done
	RecordByHand Deed = "record_by_hand"
)

// ReleaseNumbered is how the Object of an entry names a release of an order that has several, by its number.
const ReleaseNumbered = "release %d of the order"

// Deeds are all of them, as filters list them.
var Deeds = []Deed{
	ReleaseRequested, ReleaseUncopied, ReleaseEnded, ReleaseDeclined, ReleaseAsked, ReleaseSettled, ReleaseReopened,
	ListAdded, ListOdd, AnswerKept, AnswerDismissed, ResultAcknowledged, OrderLineSet, OrderLineBack, LineAdopted,
	QueueStarted, QueueEnded, QueueDiscarded, NoteWritten,
	NoteWithdrawn, ShiftHandedOver, ShiftTakenOver, ItemsAcknowledged, ShiftReviewed, SignedIn, SignInDeclined,
	SignedOut, SessionEnded,
	ThrottlingBegan, ThrottlingEnded, KeyRotated, Exported, OrdersImported, OrderWithdrawn, ValueGivenBack,
	ImportGivenBack, SerialShown, TokenCreated, TokenRevoked, HistoryVerified,
	ViewSaved, ViewRemoved,
	HistoryLost, ReleaseLost, LossAccepted, LossAcknowledged,
	ConnectionTested, TenantSet, CredentialSet, LineSet, PersonSet, PasswordSet, ShiftsSet,
	PINDeclined, PINSet, BadgeSet, PasswordConfirmed, BadgeConfirmed, StationSet, StationRemoved, StationCoded,
	StationBound, StationUnbound, StationLocked, RulesSet, Signed, SignDeclined,
	SignOnSet, SignOnTested, SignOnDeclined, IdentityConnected, IdentityDisconnected, HumanSet,
	AlarmStarted, AlarmTaken, AlarmEnded, AlarmsSet, AlarmTested, AlarmUndelivered,
	DestinationSet, DestinationTried, DestinationStopped, DestinationStarted, DestinationRetired,
	ListTaken, ListSent, ListCarried, ListStopped,
	RecordsLogged, RecordByHand,
}

// Exceptions are the deeds that a reviewer looks for first, whatever their outcome. Beside them are outcomes that are
// refused or unknown, and queues that did not end as done.
var Exceptions = []Deed{
	ReleaseDeclined, ReleaseUncopied, ReleaseSettled, ReleaseReopened, ListOdd, AnswerKept, SignInDeclined, PINDeclined,
	SignOnDeclined,
	SignDeclined,
	ThrottlingBegan, HistoryLost, ReleaseLost, LossAccepted, AlarmUndelivered,
	DestinationStopped, ListSent, ListCarried, ListStopped, RecordByHand,
}

// Entry is one entry of a tenant's history. Entries are only ever added; each carries the SHA-256 over its content and
// the hash of the entry before it, so that a changed or missing one shows.
type Entry struct {
	TenantID TenantID
	Seq      int64     // counts from 1 within the tenant, without gaps
	At       time.Time // UTC, to the millisecond
	By       Author    // ID 0 where no person did it
	Deed     Deed

	OrderID   OrderID // 0 if the entry is about no order; the same below
	OrderKey  string
	LineCode  string
	LineName  string
	ReleaseID ReleaseID

	Object string // what was set, for example "line L1"
	Old    string // its value before, empty at creation
	New    string

	// Requested is when the release was requested that the entry is about, and Proof what proves its outcome of it
	// alone, by which Status. They are anchored and not stored.
	Requested time.Time
	Proof     Proof
	Status    Status

	Outcome    Outcome
	Reason     string
	Took       time.Duration // of a call, to the millisecond
	HTTPStatus int
	Code       string // the API's error code
	Message    string // the API's own words
	Serials    int64  // how many came

	Comment string // the person's own words, where they were asked for a reason

	// Records is the last line of the log of records that the entry covers, and RecordsDigest is over the lines from
	// the one after those of the entry before up to it; [LogDigest] says how.
	Records       int64
	RecordsDigest [sha256.Size]byte

	Format int // of what the hash is over: 1, 2 with the station and the comment, or 3 with the records too

	Prev [sha256.Size]byte // hash of the entry before it, zero at the first
	Hash [sha256.Size]byte
}

// EntryFormat is the format of entries that are written today.
const EntryFormat = 3

// Digest is the hash that the entry must carry: SHA-256 over [Entry.Canonical].
func (e Entry) Digest() [sha256.Size]byte {
	var space [2 << 10]byte // for nearly all
	return sha256.Sum256(e.canonical(space[:0]))
}

// Canonical is what the entry's hash is over: these fields in this order, each written as a netstring (its length in
// bytes as decimal digits, ':', the bytes, ','):
//
//	"lineboard history " and Format, Prev in 64 hexadecimal digits, TenantID, Seq, At in milliseconds since 1970 UTC,
//	By.ID, By.Username, By.FullName, By.Role, Deed, OrderID, OrderKey, LineCode, LineName, ReleaseID, Object, Old, New,
//	Outcome, Reason, Took in milliseconds, HTTPStatus, Code, Message, Serials; from format 2 on By.Station, Comment;
//	from format 3 on Records, RecordsDigest in 64 hexadecimal digits
//
// Numbers are decimal; text is UTF-8 as stored.
func (e Entry) Canonical() []byte { return e.canonical(make(Canonical, 0, 1<<10)) }

func (e Entry) canonical(c Canonical) Canonical {
	c.Text("lineboard history " + strconv.Itoa(e.Format))
	c.digits(e.Prev[:])
	c.Number(int64(e.TenantID))
	c.Number(e.Seq)
	c.Number(e.At.UnixMilli())
	c.Number(int64(e.By.ID))
	c.Text(e.By.Username)
	c.Text(e.By.FullName)
	c.Text(string(e.By.Role))
	c.Text(string(e.Deed))
	c.Number(int64(e.OrderID))
	c.Text(e.OrderKey)
	c.Text(e.LineCode)
	c.Text(e.LineName)
	c.Number(int64(e.ReleaseID))
	c.Text(e.Object)
	c.Text(e.Old)
	c.Text(e.New)
	c.Text(string(e.Outcome))
	c.Text(e.Reason)
	c.Number(e.Took.Milliseconds())
	c.Number(int64(e.HTTPStatus))
	c.Text(e.Code)
	c.Text(e.Message)
	c.Number(e.Serials)
	if e.Format >= 2 {
		c.Text(e.By.Station)
		c.Text(e.Comment)
	}
	if e.Format >= 3 {
		c.Number(e.Records)
		c.digits(e.RecordsDigest[:])
	}
	return c
}

// Canonical is what a digest is over: values, each written as a netstring.
type Canonical []byte

// Text adds a text, or bytes.
func (c *Canonical) Text(s string) {
	*c = append(strconv.AppendInt(*c, int64(len(s)), 10), ':')
	*c = append(append(*c, s...), ',')
}

// Typed adds a text after what it is, as one.
func (c *Canonical) Typed(kind, s string) {
	*c = append(strconv.AppendInt(*c, int64(len(kind)+len(s)), 10), ':')
	*c = append(append(append(*c, kind...), s...), ',')
}

// digits adds bytes as hexadecimal digits.
func (c *Canonical) digits(b []byte) {
	*c = append(strconv.AppendInt(*c, int64(hex.EncodedLen(len(b))), 10), ':')
	*c = append(hex.AppendEncode(*c, b), ',')
}

// Number adds a number in decimal digits.
func (c *Canonical) Number(n int64) {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	*c = append(strconv.AppendInt(*c, int64(len(text)), 10), ':')
	*c = append(append(*c, text...), ',')
}

// HistoryFilter narrows the history. Zero values narrow nothing.
type HistoryFilter struct {
	Text       string // words that an entry must all have, or begin with
	LineCode   string
	OrderKey   string   // exactly this one
	Orders     []string // one of these
	Person     string   // username
	Deed       Deed
	Outcome    Outcome
	Exceptions bool      // nothing but [Exceptions] and what stands beside them
	From, To   time.Time // From included, To excluded
	Before     int64     // only entries with a smaller Seq: where the previous page ended
	After      int64     // only entries with a greater Seq, those next to it: where the page after it begins
	Limit      int
}

// HistoryPage is one page of the history, newest first. Next is 0 on the last page; Newer is 0 on the first.
type HistoryPage struct {
	Entries []Entry
	Next    int64 // older entries are before it
	Newer   int64 // newer ones are after it
}

// HistoryView is a filter of the history that a person keeps under a name.
type HistoryView struct {
	ID     int64
	Name   string
	Query  string // of the history's page
	Shared bool   // everybody who may read the history sees it
	Own    bool   // of the person who asks
	By     string // full name of whose it is
}
