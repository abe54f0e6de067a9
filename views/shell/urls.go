package shell

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"lineboard/internal/packaging"
)

// The addresses of the pages. Handlers route them, templates link them; nobody writes one by hand.

func HomeURL() templ.SafeURL { return "/" }

// WallURL is all lines as they hang on a wall.
func WallURL() templ.SafeURL { return "/?wall" }

// FreshURL says how fresh the orders are.
func FreshURL() templ.SafeURL { return "/fresh" }

func LoginURL() templ.SafeURL { return "/login" }

func LogoutURL() templ.SafeURL { return "/logout" }

// SSOLoginURL leads to the provider of a tenant, to sign in there and go on at next; SSOCallbackURL is where it leads back to.
func SSOLoginURL(tenant packaging.Tenant, next string) templ.SafeURL {
	return templ.SafeURL("/sso/" + url.PathEscape(tenant.Slug) + "?" + url.Values{"next": {next}}.Encode())
}

func SSOCallbackURL(tenant packaging.Tenant) templ.SafeURL {
	return templ.SafeURL("/sso/" + url.PathEscape(tenant.Slug) + "/callback")
}

// SignedOutURL is the sign-in page for somebody who came by single sign-on and has signed out.
func SignedOutURL(tenant packaging.Tenant) templ.SafeURL {
	return withQuery(LoginURL(), "out", tenant.Slug)
}

// LinesURL is the overview. At a station its own line comes first, so there it is asked for.
func LinesURL(at packaging.Station) templ.SafeURL {
	if at.Known() {
		return HomeURL() + "?all=1"
	}
	return HomeURL()
}

// StationURL binds a browser to a station.
func StationURL() templ.SafeURL { return "/station" }

// UnbindHereURL takes the tablet from its station.
func UnbindHereURL() templ.SafeURL { return StationURL() + "/unbind" }

// StationSignInURL takes a PIN or a badge.
func StationSignInURL() templ.SafeURL { return StationURL() + "/sign-in" }

// StationPersonURL asks for the PIN of a person; of nobody, who it is.
func StationPersonURL(id packaging.UserID, next string) templ.SafeURL {
	return withQuery(LoginURL(), "person", NonZero(int64(id)), "next", next)
}

// StationWayURL is the sign-in at a station in another way.
func StationWayURL(way, next string) templ.SafeURL {
	return withQuery(LoginURL(), "way", way, "next", next)
}

// IdleURL tells how long a station may still go unused, UsedURL that it is used, and LockURL locks it.
func IdleURL() templ.SafeURL { return StationURL() + "/idle" }

func UsedURL() templ.SafeURL { return StationURL() + "/used" }

func LockURL() templ.SafeURL { return StationURL() + "/lock" }

// PINURL is where a person sets their PIN, OwnBadgeURL their badge.
func PINURL() templ.SafeURL { return "/account/pin" }

func OwnBadgeURL() templ.SafeURL { return "/account/badge" }

// AccountURL is a person's own page.
func AccountURL() templ.SafeURL { return "/account" }

// PasswordURL changes one's own password.
func PasswordURL() templ.SafeURL { return AccountURL() + "/password" }

// ConnectURL connects a person with whom they are at their provider, DisconnectURL ends that.
func ConnectURL() templ.SafeURL { return AccountURL() + "/sso" }

func DisconnectURL() templ.SafeURL { return AccountURL() + "/sso/disconnect" }

// SigningPasswordURL sets what a person without a password signs with.
func SigningPasswordURL() templ.SafeURL { return AccountURL() + "/signing" }

// EndOwnSessionURL ends one of one's own sessions.
func EndOwnSessionURL(s packaging.Session) templ.SafeURL {
	return AccountURL() + "/sessions/" + templ.SafeURL(url.PathEscape(s.ID)) + "/end"
}

// SSOSettingsURL is how people sign in by their company's provider, SSOTestURL asks that provider.
func SSOSettingsURL() templ.SafeURL { return AdminURL() + "/sso" }

func SSOTestURL() templ.SafeURL { return SSOSettingsURL() + "/test" }

// SessionsURL lists who is signed in.
func SessionsURL() templ.SafeURL { return AdminURL() + "/sessions" }

// EndSessionURL ends somebody's session.
func EndSessionURL(s packaging.Session) templ.SafeURL {
	return SessionsURL() + "/" + templ.SafeURL(url.PathEscape(s.ID)) + "/end"
}

// RefreshURL has the orders refreshed.
func RefreshURL() templ.SafeURL { return "/refresh" }

// RefreshedURL is a board that tells what came of the refresh that started then.
func RefreshedURL(board templ.SafeURL, started time.Time) templ.SafeURL {
	path, query, _ := strings.Cut(string(board), "?")
	q, _ := url.ParseQuery(query) // our own
	q.Set("refreshed", NonZero(started.UnixMilli()))
	return templ.SafeURL(path + "?" + q.Encode())
}

// AdoptURL sets up a line that the API calls so.
func AdoptURL(code string) templ.SafeURL { return withQuery("/adopt", "code", code) }

// ScanURL is where packs are looked up, at a line or at none.
func ScanURL(line string) templ.SafeURL { return withQuery("/scan", "line", line) }

// ScannedURL looks a pack up.
func ScannedURL(code string) templ.SafeURL { return withQuery("/scan", "code", code) }

// AdminURL is where the pages for administrators begin.
func AdminURL() templ.SafeURL { return "/admin" }

// LanguageURL chooses the language.
func LanguageURL() templ.SafeURL { return "/language" }

// OwnNotesURL is a page with what its reader may do with the notes that they wrote.
func OwnNotesURL(page templ.SafeURL) templ.SafeURL { return withQuery(page, "notes", "own") + "#notes" }

// HelpURL explains a topic, or everything.
func HelpURL(topic string) templ.SafeURL {
	if topic == "" {
		return "/help"
	}
	return templ.SafeURL("/help#" + topic)
}

// HintURL puts a hint away.
func HintURL() templ.SafeURL { return "/hints" }

// StationsURL is where administrators set up stations.
func StationsURL() templ.SafeURL { return AdminURL() + "/stations" }

// RulesURL sets what is wanted of stations and signatures.
func RulesURL() templ.SafeURL { return StationsURL() + "/rules" }

// SetBadgeURL sets somebody's badge.
func SetBadgeURL() templ.SafeURL { return StationsURL() + "/badge" }

func stationURL(id packaging.StationID) templ.SafeURL {
	return StationsURL() + "/" + templ.SafeURL(strconv.FormatInt(int64(id), 10))
}

// StationCodeURL makes a code that binds a tablet to the station.
func StationCodeURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/code" }

// StationLanguageURL sets what a station speaks to whoever has chosen no language.
func StationLanguageURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/language" }

// StationUnbindURL takes the tablet of a station away.
func StationUnbindURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/unbind" }

func StationRemoveURL(id packaging.StationID) templ.SafeURL { return stationURL(id) + "/remove" }

// SetupURL is the first start, with the key that opens it.
func SetupURL(key string) templ.SafeURL { return withQuery("/setup", "key", key) }

// ConnectionURL is how the site reaches Movilitas.Cloud.
func ConnectionURL() templ.SafeURL { return AdminURL() + "/connection" }

// ConnectionTestURL tries a connection out.
func ConnectionTestURL() templ.SafeURL { return ConnectionURL() + "/test" }

// SiteURL is the site's own name and time zone.
func SiteURL() templ.SafeURL { return AdminURL() + "/site" }

// SitesURL takes another site.
func SitesURL() templ.SafeURL { return AdminURL() + "/sites" }

// SetLinesURL is where lines are set up.
func SetLinesURL() templ.SafeURL { return AdminURL() + "/lines" }

// SetLineURL changes a line.
func SetLineURL(l packaging.Line) templ.SafeURL {
	return SetLinesURL() + templ.SafeURL("/"+url.PathEscape(l.Code))
}

// PeopleURL is where people are set up.
func PeopleURL() templ.SafeURL { return AdminURL() + "/people" }

// NewPersonURL is the form for another person.
func NewPersonURL() templ.SafeURL { return PeopleURL() + "/new" }

// JoinURL takes in somebody of another site.
func JoinURL() templ.SafeURL { return PeopleURL() + "/join" }

// PersonURL is one person as administrators see them.
func PersonURL(id packaging.UserID) templ.SafeURL {
	return PeopleURL() + templ.SafeURL("/"+strconv.FormatInt(int64(id), 10))
}

// SetPasswordURL gives a person a new password.
func SetPasswordURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/password" }

// FactorsURL takes a person's PIN and badge away.
func FactorsURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/factors" }

// ActiveURL deactivates a person or takes them back.
func ActiveURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/active" }

// RemoveURL takes a person out of the site.
func RemoveURL(id packaging.UserID) templ.SafeURL { return PersonURL(id) + "/remove" }

// Saved is a page that says that something was saved, and what.
func Saved(page templ.SafeURL, what string) string {
	return string(withQuery(page, "saved", what))
}

// TokensURL is the API tokens of a site.
func TokensURL() templ.SafeURL { return AdminURL() + "/tokens" }

// RevokeTokenURL ends a token.
func RevokeTokenURL(id packaging.TokenID) templ.SafeURL {
	return TokensURL() + templ.SafeURL("/"+NonZero(int64(id))+"/revoke")
}

// PutOrdersURL takes orders from programs; OpenAPIURL describes it.
func PutOrdersURL() templ.SafeURL { return "/api/v1/orders" }

func OpenAPIURL() templ.SafeURL { return "/api/v1/openapi.yaml" }

func TenantURL() templ.SafeURL { return "/tenant" }

func LineURL(l packaging.Line) templ.SafeURL {
	return templ.SafeURL("/lines/" + url.PathEscape(l.Code))
}

// QueueURL is the release queue of a line.
func QueueURL(l packaging.Line) templ.SafeURL { return LineURL(l) + "/queue" }

// StopQueueURL stops a line's queue.
func StopQueueURL(l packaging.Line) templ.SafeURL { return QueueURL(l) + "/stop" }

// PickURL is the queue's page with orders picked, and armed or not.
func PickURL(l packaging.Line, pick string, armed bool) templ.SafeURL {
	arm := ""
	if armed {
		arm = "1"
	}
	return withQuery(QueueURL(l), "pick", pick, "arm", arm)
}

func OrderURL(id packaging.OrderID) templ.SafeURL {
	return templ.SafeURL("/orders/" + strconv.FormatInt(int64(id), 10))
}

// ArmURL is the order's page with its release armed.
func ArmURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "?arm=1#release" }

func ReleaseURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/release" }

// ExecuteURL is ReleaseURL from a page that is armed, and stays so where what was given is not enough.
func ExecuteURL(id packaging.OrderID) templ.SafeURL { return ReleaseURL(id) + "?arm=1" }

// WholeStoryURL is all of the order's timeline.
func WholeStoryURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/story" }

// OrderLineURL says which line the order is for.
func OrderLineURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/line" }

// AskURL asks the API about the order's unknown release.
func AskURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/ask" }

// AcknowledgeURL acknowledges the result of the order's release.
func AcknowledgeURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/acknowledge" }

// ListURL adds the order's missing serial list.
func ListURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/list" }

func SerialsURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/serials" }

func SerialsCSVURL(id packaging.OrderID) templ.SafeURL { return SerialsURL(id) + ".csv" }

func SerialsJSONURL(id packaging.OrderID) templ.SafeURL { return SerialsURL(id) + ".json" }

// SerialsPageURL is the page of the order's serials that contain text, after the given place.
func SerialsPageURL(id packaging.OrderID, text string, after int64) templ.SafeURL {
	return withQuery(SerialsURL(id), "q", text, "after", NonZero(after))
}

// NoLine is what stands for "no line" where a line is chosen.
const NoLine = "-"

// OrdersURL is a search for orders; line is a line's code or NoLine.
func OrdersURL(text string, status packaging.Status, line string, before packaging.OrderID) templ.SafeURL {
	return withQuery("/orders", "q", text, "status", string(status), "line", line, "before", NonZero(int64(before)))
}

// ImportURL brings orders in from a file.
func ImportURL() templ.SafeURL { return "/imports" }

// ImportTemplateURL is a file to fill in, ImportOrdersURL one with the orders as they are.
func ImportTemplateURL() templ.SafeURL { return ImportURL() + "/template.csv" }

func ImportOrdersURL() templ.SafeURL { return ImportURL() + "/orders.csv" }

// PreviewURL shows what a kept file would do, and has it done.
func PreviewURL(id packaging.PreviewID) templ.SafeURL {
	return ImportURL() + templ.SafeURL("/previews/"+NonZero(int64(id)))
}

// ImportDoneURL shows what an import did, to the orders after the given one.
func ImportDoneURL(id packaging.ImportID, after packaging.OrderID) templ.SafeURL {
	return withQuery(ImportURL()+templ.SafeURL("/"+NonZero(int64(id))), "after", NonZero(int64(after)))
}

// ShiftsURL lists the shifts, those before a day where it is given.
func ShiftsURL(before packaging.Day) templ.SafeURL {
	return withQuery("/shifts", "before", string(before))
}

// ShiftURL is the report of a shift.
func ShiftURL(day packaging.Day, name string) templ.SafeURL {
	return templ.SafeURL("/shifts/" + string(day) + "/" + url.PathEscape(name))
}

// HandoverURL hands a shift over; TakeoverURL takes it over, and AcknowledgeItemsURL acknowledges what was left.
func HandoverURL(day packaging.Day, name string) templ.SafeURL {
	return ShiftURL(day, name) + "/handover"
}

func TakeoverURL(day packaging.Day, name string) templ.SafeURL {
	return HandoverURL(day, name) + "/take"
}

func AcknowledgeItemsURL(day packaging.Day, name string) templ.SafeURL {
	return HandoverURL(day, name) + "/acknowledge"
}

// SignShiftURL signs the report of a shift.
func SignShiftURL(day packaging.Day, name string) templ.SafeURL { return ShiftURL(day, name) + "/sign" }

// ReportCSVURL is one table of a shift's report.
func ReportCSVURL(day packaging.Day, name, table string) templ.SafeURL {
	return withQuery(ShiftURL(day, name)+"/report.csv", "table", table)
}

func ReportXLSXURL(day packaging.Day, name string) templ.SafeURL {
	return ShiftURL(day, name) + "/report.xlsx"
}

// AdminShiftsURL sets the shifts, and ShiftSigningURL who signs them.
func AdminShiftsURL() templ.SafeURL { return AdminURL() + "/shifts" }

func ShiftSigningURL() templ.SafeURL { return AdminShiftsURL() + "/signing" }

// LineNotesURL and OrderNotesURL take a note.
func LineNotesURL(l packaging.Line) templ.SafeURL { return LineURL(l) + "/notes" }

func OrderNotesURL(id packaging.OrderID) templ.SafeURL { return OrderURL(id) + "/notes" }

// WithdrawNoteURL withdraws a note.
func WithdrawNoteURL(id packaging.NoteID) templ.SafeURL {
	return templ.SafeURL("/notes/" + strconv.FormatInt(int64(id), 10) + "/withdraw")
}

func HistoryURL(f HistoryForm) templ.SafeURL { return f.query("/history") }

// HistoryCSVURL is all that the form asks for, whatever page it is on.
func HistoryCSVURL(f HistoryForm) templ.SafeURL {
	f.Before, f.After = 0, 0
	return f.query("/history.csv")
}

// NewEntriesURL says how many entries have come after the one that the form names, of those that it asks for.
func NewEntriesURL(f HistoryForm) templ.SafeURL { return f.query("/history/new") }

// EntryURL is one entry of the history.
func EntryURL(seq int64) templ.SafeURL {
	return HistoryURL(HistoryForm{}) + "/" + templ.SafeURL(strconv.FormatInt(seq, 10))
}

// VerifyURL checks the history.
func VerifyURL() templ.SafeURL { return HistoryURL(HistoryForm{}) + "/verify" }

// ViewsURL keeps a view of the history.
func ViewsURL() templ.SafeURL { return HistoryURL(HistoryForm{}) + "/views" }

// RemoveViewURL forgets one.
func RemoveViewURL(v packaging.HistoryView) templ.SafeURL {
	return ViewsURL() + "/" + templ.SafeURL(strconv.FormatInt(v.ID, 10)) + "/remove"
}

// SavedViewURL is the history as a view asks for it.
func SavedViewURL(v packaging.HistoryView) templ.SafeURL {
	q, err := url.ParseQuery(v.Query)
	if err != nil {
		return HistoryURL(HistoryForm{})
	}
	return HistoryURL(HistoryFormOf(q))
}

// withQuery adds those of the pairs of name and value that have a value.
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

// NonZero is a position as a query has it, empty where there is none.
func NonZero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
