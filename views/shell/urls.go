package shell

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"lineboard/internal/packaging"
)

// This file holds the address of every page and form. Handlers route them, templates link them.
// Nobody writes one by hand. They are paths inside of Lineboard: [At] makes the addresses that browsers get.

type prefixKey struct{}

// Below returns a context for a page below the path prefix, at which a proxy serves Lineboard.
func Below(ctx context.Context, prefix string) context.Context {
	return context.WithValue(ctx, prefixKey{}, prefix)
}

// At returns the address of a page or a file, below the path prefix of the context. An address of another server stays
// as it is.
func At[T ~string](ctx context.Context, page T) T {
	prefix, _ := ctx.Value(prefixKey{}).(string)
	if !strings.HasPrefix(string(page), "/") || strings.HasPrefix(string(page), "//") {
		return page
	}
	return T(prefix) + page
}

// The frame around every page.

// HomeURL is the overview, or at a station its own line.
func HomeURL() templ.SafeURL { return "/" }

// LinesURL is the overview, also at a station.
func LinesURL(at packaging.Station) templ.SafeURL {
	if at.Known() {
		return HomeURL() + "?all=1"
	}
	return HomeURL()
}

// WallURL is the overview for a screen on a wall.
func WallURL() templ.SafeURL { return "/?wall" }

// ManifestURL is the manifest by which a tablet installs the pages as an app.
func ManifestURL() templ.SafeURL { return "/manifest.webmanifest" }

// DisplayURL is the board of a display.
func DisplayURL() templ.SafeURL { return "/wall" }

// FreshURL is the freshness of the orders.
func FreshURL() templ.SafeURL { return "/fresh" }

// TenantURL switches to another site of the person.
func TenantURL() templ.SafeURL { return "/tenant" }

// LanguageURL sets the language.
func LanguageURL() templ.SafeURL { return "/language" }

// ThemeURL sets the colours of the device.
func ThemeURL() templ.SafeURL { return "/theme" }

// HintURL dismisses a hint.
func HintURL() templ.SafeURL { return "/hints" }

// HelpURL is the help on a topic, or all of it for an empty topic.
func HelpURL(topic string) templ.SafeURL {
	if topic == "" {
		return "/help"
	}
	return templ.SafeURL("/help#" + topic)
}

// Saved returns page with the message that what was saved.
func Saved(page templ.SafeURL, what string) string {
	return string(withQuery(page, "saved", what))
}

// Sign-in.

// LoginURL is the sign-in page, and takes its form.
func LoginURL() templ.SafeURL { return "/login" }

// LogoutURL ends the session.
func LogoutURL() templ.SafeURL { return "/logout" }

// SSOLoginURL starts a login at the tenant's provider. Next is the page to show afterwards.
func SSOLoginURL(tenant packaging.Tenant, next string) templ.SafeURL {
	return templ.SafeURL("/sso/" + url.PathEscape(tenant.Slug) + "?" + url.Values{"next": {next}}.Encode())
}

// SSOCallbackURL is where the tenant's provider sends the browser after a login.
func SSOCallbackURL(tenant packaging.Tenant) templ.SafeURL {
	return templ.SafeURL("/sso/" + url.PathEscape(tenant.Slug) + "/callback")
}

// SignedOutURL is the sign-in page after a logout from single sign-on.
func SignedOutURL(tenant packaging.Tenant) templ.SafeURL {
	return withQuery(LoginURL(), "out", tenant.Slug)
}

// StationURL binds a browser to a station.
func StationURL() templ.SafeURL { return "/station" }

// UnbindHereURL unbinds this browser from its station.
func UnbindHereURL() templ.SafeURL { return StationURL() + "/unbind" }

// StationSignInURL takes a PIN or a badge.
func StationSignInURL() templ.SafeURL { return StationURL() + "/sign-in" }

// StationPersonURL asks for the PIN of a person. The ID 0 asks who it is first.
func StationPersonURL(id packaging.UserID, next string) templ.SafeURL {
	return withQuery(LoginURL(), "person", NonZero(int64(id)), "next", next)
}

// StationWayURL is the sign-in at a station by ByPassword or ByUsername.
func StationWayURL(way, next string) templ.SafeURL {
	return withQuery(LoginURL(), "way", way, "next", next)
}

// IdleURL returns how long a station may stay unused before it locks.
func IdleURL() templ.SafeURL { return StationURL() + "/idle" }

// UsedURL reports that the station is in use.
func UsedURL() templ.SafeURL { return StationURL() + "/used" }

// LockURL locks the station.
func LockURL() templ.SafeURL { return StationURL() + "/lock" }

// AccountURL is a person's own page.
func AccountURL() templ.SafeURL { return "/account" }

// PINURL sets a person's own PIN.
func PINURL() templ.SafeURL { return AccountURL() + "/pin" }

// OwnBadgeURL sets a person's own badge.
func OwnBadgeURL() templ.SafeURL { return AccountURL() + "/badge" }

// ConfirmOwnURL confirms a person's own password.
func ConfirmOwnURL() templ.SafeURL { return AccountURL() + "/confirm" }

// ConfirmURL confirms that of another person.
func ConfirmURL(user packaging.UserID) templ.SafeURL {
	return ConfirmOwnURL() + templ.SafeURL("/"+strconv.FormatInt(int64(user), 10))
}

// WaiveURL waives that a second person confirms passwords.
func WaiveURL() templ.SafeURL { return AccountURL() + "/waive" }

// PasswordURL changes a person's own password.
func PasswordURL() templ.SafeURL { return AccountURL() + "/password" }

// ConnectURL connects a person to their account at the provider.
func ConnectURL() templ.SafeURL { return AccountURL() + "/sso" }

// DisconnectURL ends that connection.
func DisconnectURL() templ.SafeURL { return AccountURL() + "/sso/disconnect" }

// SigningPasswordURL sets the signing password of a person who has no other.
func SigningPasswordURL() templ.SafeURL { return AccountURL() + "/signing" }

// EndOwnSessionURL ends one of a person's own sessions.
func EndOwnSessionURL(s packaging.Session) templ.SafeURL {
	return AccountURL() + "/sessions/" + templ.SafeURL(url.PathEscape(s.ID)) + "/end"
}

// Orders.

// NoLine stands for "no line" where a line is chosen.
const NoLine = "-"

// Withdrawn stands for the orders that were withdrawn, where a status is chosen.
const Withdrawn packaging.Status = "-withdrawn"

// OrderQuery is a search for orders. Line is a line's code or NoLine, Status a status or Withdrawn, and Sort as
// [SortWord] writes it, or empty for the order that suits the search.
type OrderQuery struct {
	Text   string
	Status packaging.Status
	Line   string
	Sort   string
	Before packaging.OrderID // where the page before it ended, 0 for the first page
}

// OrdersURL is the page of a search for orders.
func OrdersURL(q OrderQuery) templ.SafeURL {
	return withQuery(
		"/orders", "q", q.Text, "status", string(q.Status), "line", q.Line, "sort", q.Sort, "before",
		NonZero(int64(q.Before)),
	)
}

// After returns the query for the page that follows the order.
func (q OrderQuery) After(last packaging.OrderID) OrderQuery {
	q.Before = last
	return q
}

// With returns the query for another status, from its first page.
func (q OrderQuery) With(s packaging.Status) OrderQuery {
	q.Status, q.Before = s, 0
	return q
}

// SortedBy returns the query sorted otherwise, from its first page.
func (q OrderQuery) SortedBy(s packaging.OrderSort) OrderQuery {
	q.Sort, q.Before = SortWord(s), 0
	return q
}

// newestFirst stands for the order of arrival, which is no column.
const newestFirst = "newest"

// OrderSorts are the ways to sort orders, as addresses name them.
var OrderSorts = []string{
	SortWord(packaging.OrderSort{By: packaging.SortByStatus}), newestFirst, string(packaging.SortByKey),
	string(packaging.SortByLine), string(packaging.SortByProduct), string(packaging.SortByLot),
	string(packaging.SortByExpiry), string(packaging.SortByQuantity),
}

// SortWord returns the sort as addresses name it: its column, with a minus for the other way round.
func SortWord(s packaging.OrderSort) string {
	word := string(s.By)
	if s.By == packaging.SortByArrival {
		word = newestFirst
	}
	if s.Descending {
		return "-" + word
	}
	return word
}

// SortOf returns the sort that a word of [SortWord] names; ok is false for any other.
func SortOf(word string) (s packaging.OrderSort, ok bool) {
	column, descending := strings.CutPrefix(word, "-")
	s = packaging.OrderSort{By: packaging.OrderColumn(column), Descending: descending}
	if column == newestFirst {
		s.By = packaging.SortByArrival
	}
	return s, slices.Contains(OrderSorts, column)
}

// RefreshURL refreshes the orders.
func RefreshURL() templ.SafeURL { return "/refresh" }

// RefreshedURL is a board with the result of the refresh that began at started.
func RefreshedURL(board templ.SafeURL, started time.Time) templ.SafeURL {
	path, query, _ := strings.Cut(string(board), "?")
	q, _ := url.ParseQuery(query) // our own
	q.Set("refreshed", NonZero(started.UnixMilli()))
	return templ.SafeURL(path + "?" + q.Encode())
}

// LineURL is the board of a line.
func LineURL(l packaging.Line) templ.SafeURL {
	return templ.SafeURL("/lines/" + url.PathEscape(l.Code))
}

// LineNotesURL adds a note to a line.
func LineNotesURL(l packaging.Line) templ.SafeURL { return LineURL(l) + "/notes" }

// ArmOnLineURL is the line's board with the release of one of its orders armed.
func ArmOnLineURL(l packaging.Line, id packaging.OrderID) templ.SafeURL {
	return withQuery(LineURL(l), "arm", NonZero(int64(id)))
}

// AcknowledgeAllURL acknowledges plain successes on a line's board together.
func AcknowledgeAllURL(l packaging.Line) templ.SafeURL { return LineURL(l) + "/acknowledge" }

// AdoptURL sets up a line by the code that the API gives it.
func AdoptURL(code string) templ.SafeURL { return withQuery("/adopt", "code", code) }

// QueueURL is the release queue of a line.
func QueueURL(l packaging.Line) templ.SafeURL { return LineURL(l) + "/queue" }

// StopQueueURL stops a line's queue.
func StopQueueURL(l packaging.Line) templ.SafeURL { return QueueURL(l) + "/stop" }

// DiscardQueueURL discards what a line's stopped queue has left.
func DiscardQueueURL(l packaging.Line) templ.SafeURL { return QueueURL(l) + "/discard" }

// PickURL is the queue's page with the given orders picked.
func PickURL(l packaging.Line, pick string, armed bool) templ.SafeURL {
	arm := ""
	if armed {
		arm = "1"
	}
	return withQuery(QueueURL(l), "pick", pick, "arm", arm)
}

// OrderURL is the page of an order.
func OrderURL(id packaging.OrderID) templ.SafeURL {
	return templ.SafeURL("/orders/" + strconv.FormatInt(int64(id), 10))
}

// ArmURL is the order's page with its release armed.
func ArmURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "?arm=1#release" }

// ReleaseURL releases the order.
func ReleaseURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/release" }

// ExecuteURL is ReleaseURL from an armed page. A refused form shows that page again, still armed.
func ExecuteURL(id packaging.OrderID) templ.SafeURL { return ReleaseURL(id) + "?arm=1" }

// AgainURL is the order's page with one more release armed.
func AgainURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "?again=1#release" }

// ExecuteAgainURL is ReleaseURL from that page.
func ExecuteAgainURL(id packaging.OrderID) templ.SafeURL { return ReleaseURL(id) + "?again=1" }

// WordURL is the order's page where a person says what became of its release.
func WordURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "?settle=1#release" }

// SettleURL settles the order's release by a person's word.
func SettleURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/settle?settle=1" }

// WholeStoryURL is the order's complete timeline.
func WholeStoryURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/story" }

// OrderLineURL sets the line of the order.
func OrderLineURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/line" }

// WithdrawOrderURL withdraws an order that only an import told of.
func WithdrawOrderURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/withdraw" }

// GiveValueBackURL gives an imported value of the order back to the API.
func GiveValueBackURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/give-back" }

// AskURL asks the API about the order's unknown release.
func AskURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/ask" }

// AcknowledgeURL acknowledges the result of the order's release.
func AcknowledgeURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/acknowledge" }

// ListURL adds the missing serial list of the order's latest release, or of one elsewhere.
func ListURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/list" }

// KeptListURL shows the list of an answer that is kept by itself, and adds it to the order where that lacks one.
func KeptListURL(k packaging.KeptAnswer) templ.SafeURL {
	return withQuery(ListURL(k.OrderID), "kept", strconv.FormatInt(int64(k.ID), 10))
}

// DismissKeptURL puts an answer aside that is kept by itself.
func DismissKeptURL(k packaging.KeptAnswer) templ.SafeURL {
	return templ.SafeURL("/kept-answers/" + NonZero(int64(k.ID)) + "/dismiss")
}

// ListOfReleaseURL adds the missing serial list of an earlier release.
func ListOfReleaseURL(r packaging.Release) templ.SafeURL {
	return withQuery(ListURL(r.OrderID), "release", strconv.Itoa(r.Number()))
}

// DeliveryURL sends a list that waits for a person, or says that one was carried.
func DeliveryURL(id packaging.OrderID, delivery packaging.DeliveryID) templ.SafeURL {
	return SendListURL(id) + templ.SafeURL("/"+NonZero(int64(delivery)))
}

// SendListURL sends the list of an order to a destination that came after it.
func SendListURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/deliveries" }

// OrderNotesURL adds a note to an order.
func OrderNotesURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/notes" }

// WithdrawNoteURL withdraws a note.
func WithdrawNoteURL(id packaging.NoteID) templ.SafeURL {
	return templ.SafeURL("/notes/" + strconv.FormatInt(int64(id), 10) + "/withdraw")
}

// SerialsURL lists the serial numbers of an order's release. It names the release if the order has several.
func SerialsURL(r packaging.Release) templ.SafeURL { return serialsURL(r, "") }

// SerialsCSVURL is the serial list as a CSV file.
func SerialsCSVURL(r packaging.Release) templ.SafeURL { return serialsURL(r, ".csv") }

// SerialsXLSXURL is the serial list as a workbook.
func SerialsXLSXURL(r packaging.Release) templ.SafeURL { return serialsURL(r, ".xlsx") }

// SerialsJSONURL is the serial list as a JSON file.
func SerialsJSONURL(r packaging.Release) templ.SafeURL { return serialsURL(r, ".json") }

// ShowSerialURL shows a serial number of the order as a test code.
func ShowSerialURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/serials/show" }

// AllSerialsURL lists the serials of a release on one page, to print it.
func AllSerialsURL(r packaging.Release) templ.SafeURL { return serialsURL(r, "", "all", "1") }

// OddSerialsURL is the odd entries of a list alone.
func OddSerialsURL(r packaging.Release) templ.SafeURL { return serialsURL(r, "", "odd", "1") }

func serialsURL(r packaging.Release, ending templ.SafeURL, params ...string) templ.SafeURL {
	if r.Repeated || r.Round > 0 {
		params = append(params, "release", strconv.Itoa(r.Number()))
	}
	return withQuery(OrderURL(r.OrderID)+"/serials"+ending, params...)
}

// SerialsFormURL searches the order's serials.
func SerialsFormURL(r packaging.Release) templ.SafeURL { return OrderURL(r.OrderID) + "/serials" }

// SerialsPageURL lists the serials of a release that contain text, after the given place.
func SerialsPageURL(r packaging.Release, text string, after int64) templ.SafeURL {
	return serialsURL(r, "", "q", text, "after", NonZero(after))
}

// ScanURL is the page that looks packs up. Line is a line's code, or empty.
func ScanURL(line string) templ.SafeURL { return withQuery("/scan", "line", line) }

// ScannedURL looks up a pack that was typed on a page which does not see the keys.
func ScannedURL(code string) templ.SafeURL {
	return withQuery("/scan", "code", code, "typed", "unseen")
}

// Imports.

// ImportURL imports orders from a file.
func ImportURL() templ.SafeURL { return "/imports" }

// ImportTemplateURL is a file to fill in. Kind is its ending.
func ImportTemplateURL(kind string) templ.SafeURL {
	return ImportURL() + "/template." + templ.SafeURL(kind)
}

// ImportOrdersURL is a file with the present orders. Kind is its ending.
func ImportOrdersURL(kind string) templ.SafeURL {
	return ImportURL() + "/orders." + templ.SafeURL(kind)
}

// PreviewURL shows what a file would change, and imports it.
func PreviewURL(id packaging.PreviewID) templ.SafeURL {
	return ImportURL() + templ.SafeURL("/previews/"+NonZero(int64(id)))
}

// ImportDoneURL shows what an import changed, from the order after the given one on.
func ImportDoneURL(id packaging.ImportID, after packaging.OrderID) templ.SafeURL {
	return withQuery(ImportURL()+templ.SafeURL("/"+NonZero(int64(id))), "after", NonZero(int64(after)))
}

// GiveImportBackURL gives all values of an import back to the API.
func GiveImportBackURL(id packaging.ImportID) templ.SafeURL {
	return ImportDoneURL(id, 0) + "/give-back"
}

// PutOrdersURL takes orders from programs.
func PutOrdersURL() templ.SafeURL { return "/api/v1/orders" }

// ReleaseSerialsURL is where programs get a serial list.
func ReleaseSerialsURL(uid string) templ.SafeURL {
	return templ.SafeURL("/api/v1/releases/" + url.PathEscape(uid) + "/serials")
}

// APIPageURL is the page that shows what OpenAPIURL describes.
func APIPageURL() templ.SafeURL { return TokensURL() + "/api" }

// OpenAPIURL describes the API for programs.
func OpenAPIURL() templ.SafeURL { return "/api/v1/openapi.yaml" }

// Shifts.

// ShiftsURL lists the shifts before a day, or the latest for an empty day.
func ShiftsURL(before packaging.Day) templ.SafeURL {
	return withQuery("/shifts", "before", string(before))
}

// TrendsURL is the trends by day, or by what is named, up to a day; up to today where there is none.
func TrendsURL(by string, until packaging.Day) templ.SafeURL {
	return withQuery("/shifts/trends", "by", by, "until", string(until))
}

// ShiftURL is the report of a shift.
func ShiftURL(day packaging.Day, name string) templ.SafeURL {
	return templ.SafeURL("/shifts/" + string(day) + "/" + url.PathEscape(name))
}

// HandoverURL hands a shift over.
func HandoverURL(day packaging.Day, name string) templ.SafeURL {
	return ShiftURL(day, name) + "/handover"
}

// TakeoverURL takes a shift over.
func TakeoverURL(day packaging.Day, name string) templ.SafeURL {
	return HandoverURL(day, name) + "/take"
}

// AcknowledgeItemsURL acknowledges items of a hand-over.
func AcknowledgeItemsURL(day packaging.Day, name string) templ.SafeURL {
	return HandoverURL(day, name) + "/acknowledge"
}

// SignShiftURL signs the report of a shift.
func SignShiftURL(day packaging.Day, name string) templ.SafeURL { return ShiftURL(day, name) + "/sign" }

// ReportCSVURL is one table of a shift's report as a CSV file.
func ReportCSVURL(day packaging.Day, name, table string) templ.SafeURL {
	return withQuery(ShiftURL(day, name)+"/report.csv", "table", table)
}

// ReportXLSXURL is a shift's report as a workbook.
func ReportXLSXURL(day packaging.Day, name string) templ.SafeURL {
	return ShiftURL(day, name) + "/report.xlsx"
}

// History.

// HistoryURL lists the entries that match the form.
func HistoryURL(f HistoryForm) templ.SafeURL { return f.query("/history") }

// HistoryFileURL is every entry that matches the form as a file. Kind is its ending.
func HistoryFileURL(f HistoryForm, kind string) templ.SafeURL {
	f.Before, f.After = 0, 0
	return f.query(templ.SafeURL("/history." + kind))
}

// NewEntriesURL counts the matching entries that are newer than the form's.
func NewEntriesURL(f HistoryForm) templ.SafeURL { return f.query("/history/new") }

// EntryURL is one entry of the history.
func EntryURL(seq int64) templ.SafeURL {
	return HistoryURL(HistoryForm{}) + "/" + templ.SafeURL(strconv.FormatInt(seq, 10))
}

// VerifyURL verifies the history.
func VerifyURL() templ.SafeURL { return HistoryURL(HistoryForm{}) + "/verify" }

// ViewsURL saves a view of the history.
func ViewsURL() templ.SafeURL { return HistoryURL(HistoryForm{}) + "/views" }

// RemoveViewURL removes a saved view.
func RemoveViewURL(v packaging.HistoryView) templ.SafeURL {
	return ViewsURL() + "/" + templ.SafeURL(strconv.FormatInt(v.ID, 10)) + "/remove"
}

// SavedViewURL is the history filtered by a saved view.
func SavedViewURL(v packaging.HistoryView) templ.SafeURL {
	q, err := url.ParseQuery(v.Query)
	if err != nil {
		return HistoryURL(HistoryForm{})
	}
	return HistoryURL(HistoryFormOf(q))
}

// Administration.

// SetupURL sets up a new installation, with the key that allows it.
func SetupURL(key string) templ.SafeURL { return withQuery("/setup", "key", key) }

// AdminURL is the overview for administrators.
func AdminURL() templ.SafeURL { return "/admin" }

// ConnectionURL is the site's connection to Movilitas.Cloud.
func ConnectionURL() templ.SafeURL { return AdminURL() + "/connection" }

// CredentialsEndURL notes when the credentials end.
func CredentialsEndURL() templ.SafeURL { return ConnectionURL() + "/end" }

// ConnectionTestURL tests the connection.
func ConnectionTestURL() templ.SafeURL { return ConnectionURL() + "/test" }

// SiteURL sets the site's name and time zone.
func SiteURL() templ.SafeURL { return AdminURL() + "/site" }

// SitesURL adds a site.
func SitesURL() templ.SafeURL { return AdminURL() + "/sites" }

// SetLinesURL lists the lines to set up, and adds one.
func SetLinesURL() templ.SafeURL { return AdminURL() + "/lines" }

// DestinationsURL makes a destination of a line.
func DestinationsURL(l packaging.Line) templ.SafeURL { return SetLineURL(l) + "/destinations" }

// NewDestinationURL is the form of a new destination of a line; without a kind, the choice of one.
func NewDestinationURL(l packaging.Line, kind packaging.DestinationKind) templ.SafeURL {
	return withQuery(DestinationsURL(l)+"/new", "kind", string(kind))
}

// DestinationURL is a destination of a line.
func DestinationURL(id packaging.DestinationID) templ.SafeURL {
	return AdminURL() + templ.SafeURL("/destinations/"+NonZero(int64(id)))
}

// DestinationDeedURL does something with a destination.
func DestinationDeedURL(id packaging.DestinationID, deed string) templ.SafeURL {
	return DestinationURL(id) + templ.SafeURL("/"+deed)
}

// SetLineURL changes a line.
func SetLineURL(l packaging.Line) templ.SafeURL {
	return SetLinesURL() + templ.SafeURL("/"+url.PathEscape(l.Code))
}

// PeopleURL lists the people of the site.
func PeopleURL() templ.SafeURL { return AdminURL() + "/people" }

// NewPersonURL is the form for a new person.
func NewPersonURL() templ.SafeURL { return PeopleURL() + "/new" }

// JoinURL adds a person of another site.
func JoinURL() templ.SafeURL { return PeopleURL() + "/join" }

// PersonURL is a person's page for administrators.
func PersonURL(id packaging.UserID) templ.SafeURL {
	return PeopleURL() + templ.SafeURL("/"+strconv.FormatInt(int64(id), 10))
}

// SetPasswordURL sets a person's password.
func SetPasswordURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/password" }

// FactorsURL removes a person's PIN and badge.
func FactorsURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/factors" }

// ActiveURL deactivates or reactivates a person.
func ActiveURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/active" }

// HumanURL says which human an account is of.
func HumanURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/human" }

// SignOnWaitsURL decides about somebody who waits to come by the provider.
func SignOnWaitsURL() templ.SafeURL { return PeopleURL() + "/came" }

// RemoveURL removes a person from the site.
func RemoveURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/remove" }

// FoundLinesURL sets up all lines that orders name.
func FoundLinesURL() templ.SafeURL { return AdminURL() + "/found-lines" }

// ReleaseRulesURL sets how releases are signed.
func ReleaseRulesURL() templ.SafeURL { return AdminURL() + "/releases" }

// ThreeShiftsURL is the form of shifts, filled in with three of them.
func ThreeShiftsURL() templ.SafeURL { return AdminShiftsURL() + "?template=three" }

// StationsURL lists the stations.
func StationsURL() templ.SafeURL { return AdminURL() + "/stations" }

// RulesURL sets the rules for stations and signatures.
func RulesURL() templ.SafeURL { return StationsURL() + "/rules" }

// SetBadgeURL sets a person's badge.
func SetBadgeURL() templ.SafeURL { return StationsURL() + "/badge" }

func stationURL(id packaging.StationID) templ.SafeURL {
	return StationsURL() + "/" + templ.SafeURL(strconv.FormatInt(int64(id), 10))
}

// StationCodeURL makes a code that binds a tablet to the station.
func StationCodeURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/code" }

// StationLanguageURL sets the station's default language.
func StationLanguageURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/language" }

// StationUnbindURL unbinds the station's tablet.
func StationUnbindURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/unbind" }

// StationRemoveURL removes the station.
func StationRemoveURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/remove" }

// DisplaysURL adds a display.
func DisplaysURL() templ.SafeURL { return AdminURL() + "/displays" }

func displayURL(id packaging.DisplayID) templ.SafeURL {
	return DisplaysURL() + "/" + templ.SafeURL(strconv.FormatInt(int64(id), 10))
}

// DisplayCodeURL makes a code that binds a screen to the display.
func DisplayCodeURL(id packaging.DisplayID) templ.SafeURL { return displayURL(id) + "/code" }

// DisplayUnbindURL unbinds the display's screen.
func DisplayUnbindURL(id packaging.DisplayID) templ.SafeURL { return displayURL(id) + "/unbind" }

// DisplayRemoveURL removes the display.
func DisplayRemoveURL(id packaging.DisplayID) templ.SafeURL { return displayURL(id) + "/remove" }

// SSOSettingsURL is the site's single sign-on.
func SSOSettingsURL() templ.SafeURL { return AdminURL() + "/sso" }

// SSOTestURL tests the provider.
func SSOTestURL() templ.SafeURL { return SSOSettingsURL() + "/test" }

// HealthURL shows how Lineboard and its server are.
func HealthURL() templ.SafeURL { return AdminURL() + "/health" }

// DataURL shows what Lineboard knows about its own data.
func DataURL() templ.SafeURL { return AdminURL() + "/data" }

// AcknowledgeLossURL acknowledges that a part of the history is lost.
func AcknowledgeLossURL(id packaging.LossID) templ.SafeURL {
	return DataURL() + "/losses/" + templ.SafeURL(strconv.FormatInt(int64(id), 10)) + "/acknowledge"
}

// SessionsURL lists the sessions of the site.
func SessionsURL() templ.SafeURL { return AdminURL() + "/sessions" }

// EndSessionURL ends a person's session.
func EndSessionURL(s packaging.Session) templ.SafeURL {
	return SessionsURL() + "/" + templ.SafeURL(url.PathEscape(s.ID)) + "/end"
}

// TokensURL lists the API tokens of the site.
func TokensURL() templ.SafeURL { return AdminURL() + "/tokens" }

// RevokeTokenURL revokes a token.
func RevokeTokenURL(id packaging.TokenID) templ.SafeURL {
	return TokensURL() + templ.SafeURL("/"+NonZero(int64(id))+"/revoke")
}

// AlarmsURL sets up the site's alarms.
func AlarmsURL() templ.SafeURL { return AdminURL() + "/alarms" }

// AlarmSettingsURL sets how alarms are sent.
func AlarmSettingsURL() templ.SafeURL { return AlarmsURL() + "/settings" }

// AlarmRulesURL adds a rule of alarms, or sets one.
func AlarmRulesURL() templ.SafeURL { return AlarmsURL() + "/rules" }

// AlarmRuleRemoveURL removes a rule of alarms.
func AlarmRuleRemoveURL(id packaging.AlarmRuleID) templ.SafeURL {
	return AlarmRulesURL() + "/" + templ.SafeURL(strconv.FormatInt(int64(id), 10)) + "/remove"
}

// RecipientsURL adds a recipient of alarms.
func RecipientsURL() templ.SafeURL { return AlarmsURL() + "/recipients" }

func recipientURL(id packaging.RecipientID) templ.SafeURL {
	return RecipientsURL() + "/" + templ.SafeURL(strconv.FormatInt(int64(id), 10))
}

// RecipientTryURL sends a recipient a message to try it out.
func RecipientTryURL(id packaging.RecipientID) templ.SafeURL { return recipientURL(id) + "/try" }

// RecipientRemoveURL removes a recipient.
func RecipientRemoveURL(id packaging.RecipientID) templ.SafeURL { return recipientURL(id) + "/remove" }

// TakeAlarmURL takes an alarm over.
func TakeAlarmURL(id packaging.AlarmID) templ.SafeURL {
	return "/alarms/" + templ.SafeURL(strconv.FormatInt(int64(id), 10)) + "/take"
}

// AdminShiftsURL sets the shifts of the site.
func AdminShiftsURL() templ.SafeURL { return AdminURL() + "/shifts" }

// ShiftSigningURL sets who may sign a shift.
func ShiftSigningURL() templ.SafeURL { return AdminShiftsURL() + "/signing" }

// ForPeople is a file in the form that people open, not in that for programs.
func ForPeople(file templ.SafeURL) templ.SafeURL {
	if strings.Contains(string(file), "?") {
		return file + "&for=people"
	}
	return file + "?for=people"
}

// withQuery returns path with those of the name and value pairs that have a value.
func withQuery(path templ.SafeURL, pairs ...string) templ.SafeURL {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + templ.SafeURL("?"+q.Encode())
}

// NonZero returns n in decimal digits, or nothing for 0.
func NonZero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
