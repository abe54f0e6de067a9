package packaging

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// DestinationID is our key of a destination.
type DestinationID int64

// Destination is where the serial lists of a line go.
type Destination struct {
	ID        DestinationID
	Tenant    TenantID
	Line      Line
	Name      string
	Kind      DestinationKind
	Address   string     // of a folder the name of its root; of SFTP host and port; of a webhook a URL
	Username  string     // of SFTP
	HostKey   string     // of SFTP, in the form of authorized_keys
	PublicURL string     // of a webhook: the address by which its receiver reaches Lineboard, empty for none
	FileName  string     // of files: a template
	Format    ListFormat // of files; JSON elsewhere
	Template  string     // with OwnFormat
	Lets      []HeldKind // odd lists that need no person
	LateAfter time.Duration
	GiveUp    time.Duration // after it, a list is tried no more until a person sends it

	SecretKind SecretKind
	SecretAt   time.Time // when the secret was set, zero for none
	SecretBy   string
	OldUntil   time.Time // of a webhook: until then, signatures are made with the secret before too

	Stopped    time.Time // since when its lists wait, zero while it runs
	StoppedBy  string
	StoppedWhy string
	Retired    bool // it gets no lists any more

	Waiting int // lists that wait for it; known where destinations are listed
	Held    int // lists that wait for a person, stopped ones too
}

// DestinationKind is how lists get to a destination.
type DestinationKind string

// The kinds.
const (
	PullDestination    DestinationKind = "pull"    // a program asks for them
	FolderDestination  DestinationKind = "folder"  // a file below a root of the server
	SFTPDestination    DestinationKind = "sftp"    // a file on another machine
	WebhookDestination DestinationKind = "webhook" // a signed message (Standard Webhooks)
)

// DestinationKinds are all of them.
var DestinationKinds = []DestinationKind{
	PullDestination, FolderDestination, SFTPDestination, WebhookDestination,
}

// Pushes says whether Lineboard brings lists there, and does not wait to be asked.
func (k DestinationKind) Pushes() bool { return k != PullDestination }

// WritesFiles says whether lists become files with names.
func (k DestinationKind) WritesFiles() bool { return k == FolderDestination || k == SFTPDestination }

// SecretKind is what a destination proves itself with.
type SecretKind string

// The kinds of secrets.
const (
	NoSecret       SecretKind = ""
	PasswordSecret SecretKind = "password"
	KeySecret      SecretKind = "key" // a private key, without a passphrase
	SigningSecret  SecretKind = "signing"
)

// ListFormat is how a list is written.
type ListFormat string

// The formats.
const (
	CSVFormat  ListFormat = "csv"
	JSONFormat ListFormat = "json"
	TextFormat ListFormat = "text" // a serial number a line
	OwnFormat  ListFormat = "own"  // by the destination's own template
)

// ListFormats are all of them.
var ListFormats = []ListFormat{CSVFormat, JSONFormat, TextFormat, OwnFormat}

// HeldKind is why a list waits for a person: a kind of oddity, or LaterList.
type HeldKind string

// LaterList is the list of another release of an order that was released before.
const LaterList HeldKind = "later"

// HeldKinds are those that a site may let through. A list that holds a credential always waits.
var HeldKinds = []HeldKind{
	HeldKind(WrongCount), HeldKind(Duplicates), HeldKind(SerialLength), HeldKind(SerialAlphabet), HeldKind(SeenBefore),
	HeldKind(SeenAgain), HeldKind(Contradicted), LaterList,
}

// The bounds of a destination's times.
const (
	MinLateAfter = time.Minute
	MaxLateAfter = 7 * 24 * time.Hour
	MinGiveUp    = time.Hour
	MaxGiveUp    = 30 * 24 * time.Hour
)

// The times of a destination for which an administrator names none.
const (
	DefaultLateAfter = 5 * time.Minute
	DefaultGiveUp    = 72 * time.Hour
)

// MaxDestinationName is the longest name of a destination, in characters.
const MaxDestinationName = 40

// MaxTemplate is the longest template, in bytes.
const MaxTemplate = 16 << 10

// Check returns Invalid for a destination that can't be set up so. Addresses and templates are for others to check.
func (d Destination) Check() error {
	name := utf8.RuneCountInString(d.Name)
	switch {
	case name < 1 || name > MaxDestinationName || !ValidName(d.Name):
		return Fail(Invalid, "destination.bad_name")
	case !slices.Contains(DestinationKinds, d.Kind), !slices.Contains(ListFormats, d.Format):
		return Fail(Invalid, "error.invalid")
	case d.LateAfter < MinLateAfter || d.LateAfter > MaxLateAfter, d.GiveUp < MinGiveUp || d.GiveUp > MaxGiveUp:
		return Fail(Invalid, "destination.bad_time")
	case d.Kind.Pushes() && d.Address == "":
		return Fail(Invalid, "destination.no_address")
	case d.Kind == SFTPDestination && (d.Username == "" || strings.ContainsAny(d.Username, "\r\n\x00")):
		return Fail(Invalid, "destination.no_username")
	case len(d.Template) > MaxTemplate, d.Format == OwnFormat && d.Template == "":
		fault := &TemplateFault{TemplateLong, "", "it is empty, or longer than 16 KiB"}
		return fault.FailTemplate("destination.bad_template")
	}
	for _, kind := range d.Lets {
		if !slices.Contains(HeldKinds, kind) {
			return Fail(Invalid, "error.invalid")
		}
	}
	return nil
}

// DeliveryID is our key of a delivery.
type DeliveryID int64

// Delivery is one serial list on its way to one destination.
type Delivery struct {
	ID          DeliveryID
	UID         string // its id elsewhere, the same for ever
	Tenant      TenantID
	Destination Destination // with what the asker may see of it
	Release     ReleaseID
	List        ListID
	Made        time.Time
	Facts       ListFacts // as the order is now, until Fixed
	Fixed       bool      // the list went out, or a program read it: somebody may have it, and its facts stay

	State   DeliveryState
	HeldFor []HeldKind
	Since   time.Time // it is in its state since then
	By      string    // who brought it into its state: a person's full name, or a token's
	Why     string
	Sends   int // how often a person sent it

	Frozen bool // it was tried, so that its name and bytes stay what they are
	Form   ListForm
	Name   string // of its file
	Size   int64
	Digest [32]byte
	Link   string // to the list, of a message of a webhook that is too long to have it; empty for others

	Tries   int
	Tried   time.Time // zero for never
	Begun   time.Time // when a try began of which nobody knows what came, zero for none
	Next    time.Time // not tried before then
	Problem DeliveryProblem
	Detail  string
}

// ListForm is how a list is written.
type ListForm struct {
	Format   ListFormat
	Template string // with OwnFormat
}

// ListFacts is what a list says beside its serial numbers: the order as it was when the list first went out.
type ListFacts struct {
	Order    string `json:"order"`
	Number   int    `json:"number"` // of the order's release, from 1
	Line     string `json:"line"`
	LineName string `json:"line_name"`
	Product  string `json:"product"`
	GTIN     string `json:"gtin"`
	Lot      string `json:"lot"`
	Expiry   string `json:"expiry"`
	Quantity string `json:"quantity"`
	Count    int64  `json:"count"`    // of serial numbers
	Released int64  `json:"released"` // when the release was requested, in milliseconds since 1970 UTC
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states.
const (
	DeliveryWaiting DeliveryState = "waiting" // it is tried until it is taken
	DeliveryHeld    DeliveryState = "held"    // a person is to look at the list
	DeliveryTaken   DeliveryState = "taken"   // by the destination's own word
	DeliveryCarried DeliveryState = "carried" // a person brought the list there
	DeliveryStopped DeliveryState = "stopped" // it was tried for too long, or its destination is retired
)

// DeliveryStates are all of them.
var DeliveryStates = []DeliveryState{
	DeliveryWaiting, DeliveryHeld, DeliveryTaken, DeliveryCarried, DeliveryStopped,
}

// Open says whether the list is not known to be at its destination.
func (d Delivery) Open() bool { return d.State != DeliveryTaken && d.State != DeliveryCarried }

// Late says whether the delivery waits for longer than its destination's site wants, for a person or for its
// destination.
func (d Delivery) Late(now time.Time) bool {
	return d.Open() && now.Sub(d.Since) >= d.Destination.LateAfter
}

// DeliveryProblem is what a try failed by.
type DeliveryProblem string

// The problems.
const (
	NoProblem          DeliveryProblem = ""
	Unreachable        DeliveryProblem = "unreachable"
	TimedOutThere      DeliveryProblem = "timed_out"
	RefusedThere       DeliveryProblem = "refused" // the destination said no
	HostNotAllowed     DeliveryProblem = "host_not_allowed"
	WrongHostKey       DeliveryProblem = "wrong_host_key"
	NotSignedIn        DeliveryProblem = "not_signed_in"
	OtherFileThere     DeliveryProblem = "other_file" // of the same name, with other bytes
	NoSuchRoot         DeliveryProblem = "no_such_root"
	NotWritten         DeliveryProblem = "not_written"
	BadTemplate        DeliveryProblem = "bad_template"
	BytesDiffer        DeliveryProblem = "bytes_differ" // from those of the first try
	Redirected         DeliveryProblem = "redirected"
	GoneThere          DeliveryProblem = "gone" // 410: the receiver wants nothing more
	SecretNotOpened    DeliveryProblem = "secret_not_opened"
	ProgramFailed      DeliveryProblem = "program_failed"
	ListTooLongForThat DeliveryProblem = "list_too_long"
	NoPublicURL        DeliveryProblem = "no_public_url" // a link to the list would lead nowhere
)

// DeliveryProblems are all of them.
var DeliveryProblems = []DeliveryProblem{
	Unreachable, TimedOutThere, RefusedThere, HostNotAllowed, WrongHostKey, NotSignedIn, OtherFileThere, NoSuchRoot,
	NotWritten, BadTemplate, BytesDiffer, Redirected, GoneThere, SecretNotOpened, ProgramFailed, ListTooLongForThat,
	NoPublicURL,
}

// DeliveryFailure is the error of a try. Detail is what the destination or the system said.
type DeliveryFailure struct {
	Problem DeliveryProblem
	Detail  string
	Fault   *TemplateFault // of its template, nil where that is not what failed
}

// TemplateFault is what is wrong with a template, where pages have a sentence for it; What stands in its gap.
type TemplateFault struct{ Code, What, Says string }

func (f *TemplateFault) Error() string { return f.Says }

// The faults of templates.
const (
	TemplateLong     = "too_long"
	TemplateSeveral  = "several"
	TemplateRange    = "range"
	TemplateRanges   = "ranges"
	TemplateHas      = "has"
	TemplateCalls    = "calls"
	TemplateText     = "text_long"
	TemplateSlow     = "slow"
	TemplateFile     = "file_long"
	TemplateUnfit    = "unfit"
	TemplateLeads    = "leads"
	TemplateSameName = "same_name"
)

// TemplateFaults are all of them.
var TemplateFaults = []string{
	TemplateLong, TemplateSeveral, TemplateRange, TemplateRanges, TemplateHas, TemplateCalls, TemplateText, TemplateSlow,
	TemplateFile, TemplateUnfit, TemplateLeads, TemplateSameName,
}

// FailTemplate returns the error of such a fault, with the key of its sentence.
func (f *TemplateFault) FailTemplate(key string) error {
	return Fail(Invalid, key, "Detail", f.Says, "Fault", f.Code, "What", f.What)
}

func (f *DeliveryFailure) Error() string {
	if f.Detail == "" {
		return string(f.Problem)
	}
	return string(f.Problem) + ": " + f.Detail
}

// DeliveryTry is one try to bring a list to its destination.
type DeliveryTry struct {
	At   time.Time
	Took time.Duration
	DeliveryFailure
}

// Offer is a delivery that a program may take. Cursor names its place among all offers.
type Offer struct {
	Delivery
	Cursor string
}

// ListPreview is what the lists of a destination would look like.
type ListPreview struct {
	FileName string // empty where lists are no files
	Content  string // of a sample
}
