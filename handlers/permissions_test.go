package handlers_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

// place is a line of a tenant with an order on it: what a request can name.
type place struct {
	line  string // its code
	order packaging.Order
	entry int64            // number of an entry of the history about something there
	note  packaging.NoteID // about the order
}

// row is what is expected of a route. Every route has one.
type row struct {
	needs packaging.Action   // what a role must be allowed; none for a route that is open to anybody
	at    func(place) string // the path
	// What a POST sends, as names and values. It must not change what other rows see: a release with a revision that is
	// not the order's is let in, and refused for that.
	form func(place) []string
	// The path names a line, or an order of one: those of another line or another tenant are not found there.
	lineBound bool
	// The path names something that there is not, of a kind that is nobody's in particular: who is let in finds
	// nothing.
	nobodys bool
	// It is about lines that are not set up: who is limited to lines finds none.
	unlimited bool
}

func fixed(path string) func(place) string { return func(place) string { return path } }

func ofLine(rest string) func(place) string {
	return func(p place) string { return "/lines/" + p.line + rest }
}

func ofEntry(p place) string { return fmt.Sprintf("/history/%d", p.entry) }

func ofOrder(rest string) func(place) string {
	return func(p place) string { return handlerstest.OrderPath(p.order, rest) }
}

func ofNote(rest string) func(place) string {
	return func(p place) string { return fmt.Sprint("/notes/", p.note, rest) }
}

// ofShift is the shift that runs when a site begins.
func ofShift(rest string) func(place) string {
	return func(place) string { return "/shifts/2026-11-23/Early" + rest }
}

func fields(pairs ...string) func(place) []string { return func(place) []string { return pairs } }

// expected has a row for each row of the route table in routes.go. A new route needs one here.
var expected = map[string]row{
	"GET /healthz": {at: fixed("/healthz")},
	"GET /readyz":  {at: fixed("/readyz")},
	"GET /login":   {at: fixed("/login")},
	"GET /events":  {needs: packaging.ViewOrders, at: fixed("/events?t=orders")},
	"GET /fresh":   {needs: packaging.ViewOrders, at: fixed("/fresh")},
	"GET /sw.js":   {at: fixed("/sw.js")},
	"GET /offline": {at: fixed("/offline")},

	"GET /manifest.webmanifest": {at: fixed("/manifest.webmanifest")},

	"POST /login": {
		at: fixed("/login"), form: fields("username", "nobody", "password", "not the password"),
	},
	"POST /logout": {at: fixed("/logout")},
	// where it is not offered there is no such page
	"GET /sso/:tenant":          {at: fixed("/sso/ghent"), nobodys: true},
	"GET /sso/:tenant/callback": {at: fixed("/sso/ghent/callback?state=x&code=x"), nobodys: true},

	"POST /tenant": {needs: packaging.ViewOrders, at: fixed("/tenant"), form: fields("tenant", "ghent")},

	"GET /wall":        {at: fixed("/wall")},
	"POST /theme":      {at: fixed("/theme"), form: fields("theme", "light")},
	"POST /language":   {at: fixed("/language"), form: fields("language", "en")},
	"GET /account/pin": {needs: packaging.ViewOrders, at: fixed("/account/pin")},
	"POST /account/pin": {
		needs: packaging.ViewOrders, at: fixed("/account/pin"),
		form: fields("password", site.Password, "pin", "123456", "again", "123456"),
	},
	"POST /account/badge": {
		needs: packaging.ViewOrders, at: fixed("/account/badge"),
		form: fields("password", site.Password, "badge", "short"),
	},
	"GET /station":          {at: fixed("/station")},
	"POST /station":         {at: fixed("/station"), form: fields("code", "no code")},
	"POST /station/sign-in": {at: fixed("/station/sign-in"), form: fields("secret", "123456")},
	"POST /station/lock":    {at: fixed("/station/lock")},
	"GET /station/idle":     {needs: packaging.ViewOrders, at: fixed("/station/idle")},
	"POST /station/used":    {needs: packaging.ViewOrders, at: fixed("/station/used")},
	"POST /station/unbind":  {needs: packaging.Administer, at: fixed("/station/unbind")},
	"GET /help":             {needs: packaging.ViewOrders, at: fixed("/help")},
	"POST /hints": {
		needs: packaging.ViewOrders, at: fixed("/hints"), form: fields("hint", "overview"),
	},
	"GET /account": {needs: packaging.ViewOrders, at: fixed("/account")},
	"POST /account/password": {
		needs: packaging.ViewOrders, at: fixed("/account/password"),
		form: fields("old", site.Password, "new", "short", "again", "short"),
	},
	"POST /account/sso": {
		needs: packaging.ViewOrders, at: fixed("/account/sso"), form: fields("password", ""),
	},
	"POST /account/sso/disconnect": {needs: packaging.ViewOrders, at: fixed("/account/sso/disconnect")},
	"POST /account/confirm": {
		needs: packaging.ViewOrders, at: fixed("/account/confirm"), form: fields("older", "wrong"),
	},
	"POST /account/confirm/:user": {
		needs: packaging.ConfirmPeople, at: fixed("/account/confirm/9999"), nobodys: true,
	},
	"POST /account/waive": {
		needs: packaging.WaiveConfirm, at: fixed("/account/waive"), form: fields("waive", "yes"),
	},
	"POST /account/signing": {
		needs: packaging.ViewOrders, at: fixed("/account/signing"), form: fields("new", "one", "again", "another"),
	},
	"POST /account/sessions/:session/end": {
		needs: packaging.ViewOrders, at: fixed("/account/sessions/0000000000000000/end"), nobodys: true,
	},

	"GET /":         {needs: packaging.ViewOrders, at: fixed("/")},
	"POST /refresh": {needs: packaging.RefreshOrders, at: fixed("/refresh")},
	"GET /refresh":  {needs: packaging.ViewOrders, at: fixed("/refresh")},
	"GET /adopt":    {needs: packaging.SetLines, at: fixed("/adopt?code=L3"), unlimited: true},
	"POST /adopt": {
		needs: packaging.SetLines, at: fixed("/adopt"), form: fields("code", "L3", "name", ""), unlimited: true,
	},
	"GET /lines/:line":       {needs: packaging.ViewOrders, at: ofLine(""), lineBound: true},
	"GET /lines/:line/queue": {needs: packaging.ViewOrders, at: ofLine("/queue"), lineBound: true},
	"POST /lines/:line/queue": {
		needs: packaging.ReleaseOrders, at: ofLine("/queue"), lineBound: true,
		form: func(p place) []string {
			return []string{"pick", fmt.Sprintf("%d.%d", p.order.ID, p.order.Revision+100)}
		},
	},
	"POST /lines/:line/queue/discard": {
		needs: packaging.ReleaseOrders, at: ofLine("/queue/discard"), form: fields("queue", "999999"), lineBound: true,
	},
	"POST /lines/:line/queue/stop": {
		needs: packaging.ReleaseOrders, at: ofLine("/queue/stop"), lineBound: true,
	},
	"GET /scan": {
		needs: packaging.ViewOrders, at: fixed("/scan?code=0109506000134352214YSr5oYFKHwP"),
	},
	"GET /orders":     {needs: packaging.ViewOrders, at: fixed("/orders")},
	"GET /orders/:id": {needs: packaging.ViewOrders, at: ofOrder(""), lineBound: true},
	"POST /orders/:id/release": {
		needs: packaging.ReleaseOrders, at: ofOrder("/release"), form: fields("revision", "100"), lineBound: true,
	},
	// leads to the order's page, without a look at it
	"GET /orders/:id/release": {needs: packaging.ViewOrders, at: ofOrder("/release")},
	"POST /orders/:id/settle": {
		needs: packaging.ReleaseOrders, at: ofOrder("/settle"),
		form: fields("revision", "100", "ruling", "was_released", "why", "seen"), lineBound: true,
	},
	"GET /orders/:id/settle": {needs: packaging.ViewOrders, at: ofOrder("/settle")}, // likewise
	"POST /orders/:id/line": {
		needs: packaging.SetLines, at: ofOrder("/line"), form: fields("was", "999", "line", "L1"), lineBound: true,
	},
	"GET /orders/:id/line": {needs: packaging.ViewOrders, at: ofOrder("/line")}, // likewise
	"POST /orders/:id/withdraw": {
		needs: packaging.ImportOrders, at: ofOrder("/withdraw"), form: fields("why", "A mistake."), lineBound: true,
	},
	"GET /orders/:id/withdraw": {needs: packaging.ViewOrders, at: ofOrder("/withdraw")},
	"POST /orders/:id/give-back": {
		needs: packaging.ImportOrders, at: ofOrder("/give-back"),
		form: fields("field", "lot", "value", "x", "why", "A mistake."), lineBound: true,
	},
	"GET /orders/:id/give-back": {needs: packaging.ViewOrders, at: ofOrder("/give-back")},
	"GET /orders/:id/story": {
		needs: packaging.ViewOrders, at: ofOrder("/story"), lineBound: true,
	},
	"POST /orders/:id/ask": {
		needs: packaging.SettleOrders, at: ofOrder("/ask"), lineBound: true,
	},
	"POST /orders/:id/deliveries": {
		needs: packaging.SettleOrders, at: ofOrder("/deliveries"), form: fields("destination", "999999", "why", "x"),
		lineBound: true,
	},
	"POST /orders/:id/deliveries/:delivery": {
		needs: packaging.SettleOrders, at: ofOrder("/deliveries/999999"), form: fields("do", "send", "why", "x"),
		lineBound: true, nobodys: true,
	},
	"POST /orders/:id/acknowledge": {
		needs: packaging.SettleOrders, at: ofOrder("/acknowledge"), form: fields("release", "999999"), lineBound: true,
	},
	"POST /kept-answers/:kept/dismiss": {
		needs: packaging.SettleOrders, at: fixed("/kept-answers/999999/dismiss"), form: fields("why", "x"), nobodys: true,
	},
	"GET /orders/:id/list": {
		needs: packaging.SettleOrders, at: ofOrder("/list"), lineBound: true,
	},
	"POST /orders/:id/list": {
		needs: packaging.SettleOrders, at: ofOrder("/list"), form: fields("list", "a", "confirm", "yes"),
		lineBound: true,
	},
	"GET /orders/:id/serials": {
		needs: packaging.ViewOrders, at: ofOrder("/serials"), lineBound: true,
	},
	"GET /orders/:id/serials.csv": {
		needs: packaging.ExportRecords, at: ofOrder("/serials.csv"), lineBound: true,
	},
	"POST /orders/:id/serials/show": {
		needs: packaging.ReleaseOrders, at: ofOrder("/serials/show"), form: fields("not_begun", "no"), lineBound: true,
	},
	"GET /orders/:id/serials/show": {needs: packaging.ViewOrders, at: ofOrder("/serials/show")},
	"GET /orders/:id/serials.xlsx": {
		needs: packaging.ExportRecords, at: ofOrder("/serials.xlsx"), lineBound: true,
	},
	"GET /orders/:id/serials.json": {
		needs: packaging.ExportRecords, at: ofOrder("/serials.json"), lineBound: true,
	},
	"GET /history":         {needs: packaging.ViewHistory, at: fixed("/history")},
	"GET /history/new":     {needs: packaging.ViewHistory, at: fixed("/history/new?after=1")},
	"GET /history.csv":     {needs: packaging.ExportRecords, at: fixed("/history.csv")},
	"GET /history.xlsx":    {needs: packaging.ExportRecords, at: fixed("/history.xlsx")},
	"GET /history/:seq":    {needs: packaging.ViewHistory, at: ofEntry, lineBound: true},
	"POST /history/verify": {needs: packaging.ExportRecords, at: fixed("/history/verify")},
	"GET /history/verify":  {needs: packaging.ViewHistory, at: fixed("/history/verify")},
	"POST /history/views": {
		needs: packaging.ViewHistory, at: fixed("/history/views"), form: fields("name", "mine", "query", "line=L1"),
	},
	"POST /history/views/:id/remove": {
		needs: packaging.ViewHistory, at: fixed("/history/views/999999/remove"),
	},
	"POST /lines/:line/acknowledge": {
		needs: packaging.SettleOrders, at: ofLine("/acknowledge"), lineBound: true,
	},
	"POST /lines/:line/notes": {
		needs: packaging.WriteNotes, at: ofLine("/notes"), lineBound: true,
	},
	"POST /orders/:id/notes": {
		needs: packaging.WriteNotes, at: ofOrder("/notes"), lineBound: true,
	},
	"POST /notes/:note/withdraw": {
		needs: packaging.WriteNotes, at: ofNote("/withdraw"), lineBound: true,
	},
	"GET /shifts":              {needs: packaging.ViewReports, at: fixed("/shifts")},
	"GET /shifts/trends":       {needs: packaging.ViewReports, at: fixed("/shifts/trends")},
	"GET /shifts/:date/:shift": {needs: packaging.ViewReports, at: ofShift("")},
	"GET /shifts/:date/:shift/report.csv": {
		needs: packaging.ExportRecords, at: ofShift("/report.csv?table=releases"),
	},
	"GET /shifts/:date/:shift/report.xlsx":           {needs: packaging.ExportRecords, at: ofShift("/report.xlsx")},
	"GET /shifts/:date/:shift/handover":              {needs: packaging.ViewReports, at: ofShift("/handover")},
	"POST /shifts/:date/:shift/handover":             {needs: packaging.HandOver, at: ofShift("/handover")},
	"POST /shifts/:date/:shift/handover/take":        {needs: packaging.HandOver, at: ofShift("/handover/take")},
	"POST /shifts/:date/:shift/handover/acknowledge": {needs: packaging.HandOver, at: ofShift("/handover/acknowledge")},
	"GET /shifts/:date/:shift/sign":                  {needs: packaging.ReviewShifts, at: ofShift("/sign")},
	"POST /shifts/:date/:shift/sign":                 {needs: packaging.ReviewShifts, at: ofShift("/sign")},
	"GET /admin/shifts":                              {needs: packaging.ViewSetup, at: fixed("/admin/shifts")},
	"POST /admin/shifts":                             {needs: packaging.Administer, at: fixed("/admin/shifts")},
	"POST /admin/shifts/signing":                     {needs: packaging.Administer, at: fixed("/admin/shifts/signing")},

	"POST /alarms/:id/take": {
		needs: packaging.TakeAlarms, at: fixed("/alarms/9999/take"), nobodys: true,
	},
	"GET /admin/alarms":           {needs: packaging.ViewSetup, at: fixed("/admin/alarms")},
	"POST /admin/alarms/settings": {needs: packaging.Administer, at: fixed("/admin/alarms/settings")},
	"POST /admin/alarms/rules":    {needs: packaging.Administer, at: fixed("/admin/alarms/rules")},
	"POST /admin/alarms/rules/:id/remove": {
		needs: packaging.Administer, at: fixed("/admin/alarms/rules/9999/remove"), nobodys: true,
	},
	"POST /admin/alarms/recipients": {needs: packaging.Administer, at: fixed("/admin/alarms/recipients")},
	"POST /admin/alarms/recipients/:id/try": {
		needs: packaging.Administer, at: fixed("/admin/alarms/recipients/9999/try"), nobodys: true,
	},
	"POST /admin/alarms/recipients/:id/remove": {
		needs: packaging.Administer, at: fixed("/admin/alarms/recipients/9999/remove"), nobodys: true,
	},

	"GET /admin":          {needs: packaging.ViewSetup, at: fixed("/admin")},
	"GET /admin/stations": {needs: packaging.ViewSetup, at: fixed("/admin/stations")},
	"POST /admin/stations": {
		needs: packaging.Administer, at: fixed("/admin/stations"), form: fields("name", "", "line", "L1"),
	},
	"POST /admin/stations/rules": {
		needs: packaging.Administer, at: fixed("/admin/stations/rules"), form: fields("lock_after", "1"),
	},
	"POST /admin/stations/badge": {
		needs: packaging.Administer, at: fixed("/admin/stations/badge"), form: fields("person", "1", "badge", "short"),
	},
	"POST /admin/stations/:id/code": {needs: packaging.Administer, at: fixed("/admin/stations/1/code")},
	"POST /admin/found-lines":       {needs: packaging.Administer, at: fixed("/admin/found-lines")},
	"GET /admin/releases":           {needs: packaging.ViewSetup, at: fixed("/admin/releases")},
	"POST /admin/releases": {
		needs: packaging.Administer, at: fixed("/admin/releases"), form: fields("second", "yes"),
	},
	"POST /admin/displays": {
		needs: packaging.Administer, at: fixed("/admin/displays"), form: fields("name", ""),
	},
	"POST /admin/displays/:id/code": {
		needs: packaging.Administer, at: fixed("/admin/displays/999/code"), nobodys: true,
	},
	"POST /admin/displays/:id/unbind": {
		needs: packaging.Administer, at: fixed("/admin/displays/999/unbind"), nobodys: true,
	},
	"POST /admin/displays/:id/remove": {
		needs: packaging.Administer, at: fixed("/admin/displays/999/remove"), nobodys: true,
	},
	"POST /admin/stations/:id/language": {needs: packaging.Administer, at: fixed("/admin/stations/1/language")},
	"POST /admin/stations/:id/unbind":   {needs: packaging.Administer, at: fixed("/admin/stations/2/unbind")},
	// is bound, so it stays
	"POST /admin/stations/:id/remove": {needs: packaging.Administer, at: fixed("/admin/stations/1/remove")},
	"GET /admin/sessions":             {needs: packaging.ViewSetup, at: fixed("/admin/sessions")},
	"POST /admin/sessions/:session/end": {
		needs: packaging.Administer, at: fixed("/admin/sessions/0000000000000000/end"), nobodys: true,
	},
	"GET /admin/health": {needs: packaging.ViewSetup, at: fixed("/admin/health")},
	"GET /admin/data":   {needs: packaging.ViewSetup, at: fixed("/admin/data")},
	"POST /admin/data/losses/:loss/acknowledge": {
		needs: packaging.Administer, at: fixed("/admin/data/losses/1/acknowledge"), form: fields("comment", ""),
	},
	"GET /setup":  {at: fixed("/setup")},
	"POST /setup": {at: fixed("/setup")},

	"GET /admin/sso": {needs: packaging.ViewSetup, at: fixed("/admin/sso")},
	"POST /admin/sso": {
		needs: packaging.Administer, at: fixed("/admin/sso"), form: fields("label", ""),
	},
	"POST /admin/sso/test": {
		needs: packaging.Administer, at: fixed("/admin/sso/test"), form: fields("issuer", "no address"),
	},
	"GET /admin/connection":       {needs: packaging.ViewSetup, at: fixed("/admin/connection")},
	"POST /admin/connection":      {needs: packaging.Administer, at: fixed("/admin/connection")},
	"POST /admin/connection/end":  {needs: packaging.Administer, at: fixed("/admin/connection/end")},
	"POST /admin/connection/test": {needs: packaging.Administer, at: fixed("/admin/connection/test")},
	"GET /admin/site":             {needs: packaging.ViewSetup, at: fixed("/admin/site")},
	"POST /admin/site":            {needs: packaging.Administer, at: fixed("/admin/site")},
	"POST /admin/sites":           {needs: packaging.Administer, at: fixed("/admin/sites")},
	"GET /admin/lines":            {needs: packaging.ViewSetup, at: fixed("/admin/lines")},
	"POST /admin/lines":           {needs: packaging.Administer, at: fixed("/admin/lines")},
	"POST /admin/lines/:code":     {needs: packaging.Administer, at: fixed("/admin/lines/L1")},
	"GET /admin/lines/:code/destinations/new": {
		needs: packaging.Administer, at: fixed("/admin/lines/L1/destinations/new"),
	},
	"POST /admin/lines/:code/destinations": {
		needs: packaging.Administer, at: fixed("/admin/lines/L1/destinations"), form: fields("kind", "pull"),
	},
	"GET /admin/destinations/:id": {
		needs: packaging.ViewSetup, at: fixed("/admin/destinations/999999"), nobodys: true,
	},
	"POST /admin/destinations/:id": {
		needs: packaging.Administer, at: fixed("/admin/destinations/999999"), nobodys: true,
	},
	"POST /admin/destinations/:id/try": {
		needs: packaging.Administer, at: fixed("/admin/destinations/999999/try"), nobodys: true,
	},
	"POST /admin/destinations/:id/stop": {
		needs: packaging.Administer, at: fixed("/admin/destinations/999999/stop"), nobodys: true,
	},
	"POST /admin/destinations/:id/start": {
		needs: packaging.Administer, at: fixed("/admin/destinations/999999/start"), nobodys: true,
	},
	"POST /admin/destinations/:id/secret": {
		needs: packaging.Administer, at: fixed("/admin/destinations/999999/secret"), nobodys: true,
	},
	"POST /admin/destinations/:id/retire": {
		needs: packaging.Administer, at: fixed("/admin/destinations/999999/retire"), nobodys: true,
	},
	"GET /admin/people":                 {needs: packaging.ViewSetup, at: fixed("/admin/people")},
	"POST /admin/people":                {needs: packaging.Administer, at: fixed("/admin/people")},
	"GET /admin/people/new":             {needs: packaging.Administer, at: fixed("/admin/people/new")},
	"POST /admin/people/join":           {needs: packaging.Administer, at: fixed("/admin/people/join")},
	"POST /admin/people/came":           {needs: packaging.Administer, at: fixed("/admin/people/came")},
	"POST /admin/people/:user/human":    {needs: packaging.Administer, at: fixed("/admin/people/1/human")},
	"GET /admin/people/:user":           {needs: packaging.ViewSetup, at: fixed("/admin/people/1")},
	"POST /admin/people/:user":          {needs: packaging.Administer, at: fixed("/admin/people/1")},
	"POST /admin/people/:user/password": {needs: packaging.Administer, at: fixed("/admin/people/1/password")},
	"POST /admin/people/:user/active": {
		needs: packaging.Administer, at: fixed("/admin/people/1/active"), form: fields("active", "yes"),
	},
	"POST /admin/people/:user/factors": {needs: packaging.Administer, at: fixed("/admin/people/1/factors")},
	"POST /admin/people/:user/remove":  {needs: packaging.Administer, at: fixed("/admin/people/1/remove")},
	"GET /imports":                     {needs: packaging.ImportOrders, at: fixed("/imports")},
	"POST /imports": {
		needs: packaging.ImportOrders, at: fixed("/imports"), form: fields("orders", "lot\n"),
	},
	"GET /imports/template.csv":  {needs: packaging.ImportOrders, at: fixed("/imports/template.csv")},
	"GET /imports/template.xlsx": {needs: packaging.ImportOrders, at: fixed("/imports/template.xlsx")},
	"POST /imports/:id/give-back": {
		needs: packaging.ImportOrders, at: fixed("/imports/999999/give-back"), form: fields("why", "A mistake."),
		nobodys: true,
	},
	"GET /imports/orders.xlsx":   {needs: packaging.ImportOrders, at: fixed("/imports/orders.xlsx")},
	"GET /imports/orders.csv":    {needs: packaging.ImportOrders, at: fixed("/imports/orders.csv")},
	"GET /imports/previews/:id":  {needs: packaging.ImportOrders, at: fixed("/imports/previews/1"), nobodys: true},
	"POST /imports/previews/:id": {needs: packaging.ImportOrders, at: fixed("/imports/previews/1"), nobodys: true},
	"GET /imports/:id":           {needs: packaging.ViewHistory, at: fixed("/imports/1"), nobodys: true},

	"GET /admin/tokens":     {needs: packaging.ViewSetup, at: fixed("/admin/tokens")},
	"GET /admin/tokens/api": {needs: packaging.ViewSetup, at: fixed("/admin/tokens/api")},
	"POST /admin/tokens": {
		needs: packaging.Administer, at: fixed("/admin/tokens"), form: fields("name", ""),
	},
	"POST /admin/tokens/:id/revoke": {needs: packaging.Administer, at: fixed("/admin/tokens/1/revoke"), nobodys: true},
}

// ends says whether a route ends the session that it is asked in, so that it is asked last.
func ends(route string) bool { return route == "POST /logout" }

func TestEachRouteNeedsWhatItsRowSays(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range handlers.Routes() {
		name := r.Method + " " + r.Path
		row, ok := expected[name]
		seen[name] = true
		if !ok {
			t.Errorf("%s is a route without a row in this test: say what it needs", name)
		} else if row.needs != r.Needs {
			t.Errorf("%s needs %q, the row of this test says %q", name, r.Needs, row.needs)
		}
		if strings.Contains(r.Path, ":line") && !row.lineBound {
			t.Errorf("%s names a line but its row does not say that it is bound to it", name)
		}
	}
	for name := range expected {
		if !seen[name] {
			t.Errorf("%s has a row in this test but is no route", name)
		}
	}
}

// crowd is a site with two tenants and, at "ghent", each role twice: free to see all lines, and limited to line L1. On
// L1 and on L2 a queue has released an order.
type crowd struct {
	*site.Site
	own, other, nowhere place // of ghent: on L1, on L2, and an order without a line
	foreign             place // of the other tenant
	hidden              []string
}

func newCrowd(t *testing.T) crowd {
	t.Helper()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "supervisor-9")
	credentials, err := s.Store.Credentials(t.Context(), s.Tenant("basel").ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Provision(t.Context(), db.Site{{
		Tenant: packaging.Tenant{
			Slug: "basel", Name: "Plant Basel", TimeZone: "Europe/Zurich", BaseURL: s.Remote.URL,
		},
		Credentials: credentials,
		Lines:       []packaging.Line{{Code: "B9", Name: "Line of Basel"}},
	}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range packaging.Roles {
		s.Limit(string(r)+"2", "L1")
	}
	s.Refresh()
	b := s.SignIn("supervisor1")
	for line, key := range map[string]string{"L1": "Order143", "L2": "Order148"} {
		o := s.Order(key)
		if a := b.Post(
			"/lines/"+line+"/queue", "pick", fmt.Sprintf("%d.%d", o.ID, o.Revision),
		); a.Status != http.StatusSeeOther {
			t.Fatalf("queue: %d %s", a.Status, a.Text("main"))
		}
	}
	whole := packaging.Everything(s.Tenant("ghent").ID)
	for _, key := range []string{"Order143", "Order148"} {
		for o := s.Order(key); ; {
			q, err := s.Store.Queue(t.Context(), whole, o.Line.ID)
			if err != nil {
				t.Fatal(err)
			}
			if !q.Running() {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	s.Tablet("Tablet 1", "L1")
	s.StationCode("Tablet 2", "L1")
	s.ThreeShifts("ghent")
	notes := map[string]packaging.NoteID{}
	for key, by := range map[string]string{
		"Order144": "supervisor1", "Order149": "supervisor1", "Order156": "supervisor1",
	} {
		o := s.Order(key)
		if err := s.Store.NoteOrder(t.Context(), s.Person(by), o.ID, "A note about "+key); err != nil {
			t.Fatal(err)
		}
		written, err := s.Store.OrderNotes(t.Context(), whole, o.ID, 1)
		if err != nil || len(written) != 1 {
			t.Fatalf("%d notes, %v", len(written), err)
		}
		notes[key] = written[0].ID
	}
	serials, err := s.Store.Serials(t.Context(), whole, s.Order("Order148").List(), 0, 1)
	if err != nil || len(serials) != 1 {
		t.Fatalf("%d serials of Order148, %v", len(serials), err)
	}
	about := func(key string) int64 {
		return s.History()[slices.IndexFunc(s.History(), func(e packaging.Entry) bool { return e.OrderKey == key })].Seq
	}
	return crowd{
		s,
		place{"L1", s.Order("Order144"), about("Order143"), notes["Order144"]},
		place{"L2", s.Order("Order149"), about("Order148"), notes["Order149"]},
		place{"NOWHERE", s.Order("Order156"), 1, notes["Order156"]},
		place{"B9", s.OrderOf("basel", "Order144"), 999_999, 999_999},
		[]string{"Bottle line 2", "Order148", "Order149", "Order156", "Amoxicillin", "Omeprazole", serials[0].Value},
	}
}

// ask sends the request of a route about a place.
func ask(b *site.Browser, route string, p place) site.Answer {
	row := expected[route]
	method, _, _ := strings.Cut(route, " ")
	if method == http.MethodGet {
		return b.Get(row.at(p))
	}
	var form []string
	if row.form != nil {
		form = row.form(p)
	}
	return b.Post(row.at(p), form...)
}

// letIn says whether an answer is that of a route which did its work, or refused it for another reason than who asked.
func letIn(a site.Answer) bool {
	return a.Status != http.StatusForbidden && a.Status != http.StatusNotFound && a.Status < 500 &&
		!handlerstest.SentToSignIn(a)
}

func TestEachRouteIsForWhomItIsForOnTheirLinesOfTheirTenant(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	routes := make([]string, 0, len(expected))
	for name := range expected {
		routes = append(routes, name)
	}
	slices.SortFunc(routes, func(a, b string) int {
		if ends(a) != ends(b) {
			return map[bool]int{true: 1, false: -1}[ends(a)]
		}
		return cmp.Compare(a, b)
	})
	released, before := len(c.Box.Released()), len(c.History())

	nobody := c.Browser()
	for _, route := range routes {
		a := ask(nobody, route, c.own)
		if open := expected[route].needs == ""; handlerstest.SentToSignIn(a) == open && !ends(route) || open &&
			a.Status >= 500 {
			t.Errorf("%s without a session: %d to %q", route, a.Status, a.Header.Get("Location"))
		}
	}
	if n := len(c.History()); n != before {
		t.Errorf("nobody made %d entries of the history", n-before)
	}

	for i, role := range packaging.Roles {
		free, limited := c.SignIn(string(role)+"1"), c.SignIn(string(role)+"2")
		for j, route := range routes {
			row := expected[route]
			may := row.needs == "" || role.May(row.needs)
			for k, try := range []struct {
				who     string
				browser *site.Browser
				place   place
				sees    bool
			}{
				{"free, own tenant", free, c.own, true},
				{"free, another line", free, c.other, true},
				{"free, another tenant", free, c.foreign, false},
				{"limited, own line", limited, c.own, true},
				{"limited, another line", limited, c.other, false},
				{"limited, without a line", limited, c.nowhere, false},
				{"limited, another tenant", limited, c.foreign, false},
			} {
				if ends(route) && try.who != "limited, own line" {
					continue
				}
				// The race detector makes a request ten times as slow: beside it, each role asks for each route once.
				if raced && (i+j+k)%7 != 0 {
					continue
				}
				a := ask(try.browser, route, try.place)
				switch {
				case !may:
					if a.Status != http.StatusForbidden {
						t.Errorf("%s as %s (%s): %d, want 403", route, role, try.who, a.Status)
					}
				case row.lineBound && !try.sees || row.nobodys || row.unlimited && try.browser == limited:
					if a.Status != http.StatusNotFound {
						t.Errorf("%s as %s (%s): %d, want 404", route, role, try.who, a.Status)
					}
				case !letIn(a) && !ends(route):
					t.Errorf("%s as %s (%s): %d, want to be let in", route, role, try.who, a.Status)
				}
				if try.browser == limited && row.needs != packaging.ViewSetup && row.needs != packaging.Administer {
					for _, word := range c.hidden {
						if strings.Contains(a.Body, word) && !strings.Contains(row.at(try.place), word) {
							t.Errorf("%s shows %s (%s) %q of another line", route, role, try.who, word)
						}
					}
				}
			}
		}
	}
	if n := len(c.Box.Released()); n != released {
		t.Errorf("%d releases were carried out", n-released)
	}
}

func TestAPersonLimitedToALineSeesAndReleasesThereAlone(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	b := c.SignIn("supervisor2")
	if got := b.Get("/").All(".lane h2 span"); !slices.Equal(got, []string{"Blister line 1"}) {
		t.Errorf("lanes %q", got)
	}
	for _, query := range []string{"?q=Order", "?line=L1", "?line=-", "?status=Pending+release"} {
		if a := b.Get("/orders" + query); a.Status != http.StatusOK || strings.Contains(a.Body, "Order149") ||
			strings.Contains(a.Body, "Order156") {
			t.Errorf("/orders%s: %d, or orders of others", query, a.Status)
		}
	}
	if a := b.Get("/orders?line=L2"); a.Status != http.StatusNotFound {
		t.Errorf("a search on another line: %d", a.Status)
	}
	history := b.Get("/history").Text(".history tbody")
	if !strings.Contains(history, "Person supervisor2") || !strings.Contains(history, "Order143") {
		t.Errorf("the history lacks the person's own sign-in, or their line: %q", history)
	}
	if strings.Contains(history, "Signed in Person supervisor1") || strings.Contains(history, "credential") {
		t.Errorf("the history shows what others did elsewhere: %q", history)
	}
	queue := func(line string, o packaging.Order) site.Answer {
		return b.Post("/lines/"+line+"/queue", "pick", fmt.Sprintf("%d.%d", o.ID, o.Revision))
	}
	if a := queue("L1", c.other.order); a.Status != http.StatusNotFound {
		t.Errorf("another line's order in a queue: %d", a.Status)
	}
	theirs := handlerstest.OrderPath(c.other.order, "")
	if a := c.SignIn("supervisor1").Post(theirs + "/release"); a.Status != http.StatusSeeOther {
		t.Fatalf("release on another line: %d", a.Status)
	}
	for _, of := range []string{"", "/serials", "/serials.csv", "/serials.xlsx", "/serials.json", "/story"} {
		if a := b.Get(theirs + of); a.Status != http.StatusNotFound {
			t.Errorf("another line's order at %q: %d", of, a.Status)
		}
	}
	if a := b.Post(handlerstest.OrderPath(c.own.order, "/release")); a.Status != http.StatusSeeOther {
		t.Errorf("release on their line: %d", a.Status)
	}
	if e := c.History()[0]; e.Deed != packaging.ReleaseEnded || e.By.Username != "supervisor2" {
		t.Errorf("history %+v", e)
	}
}

func TestALimitCountsFromTheMomentItIsSet(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, by, o := s.SignIn("supervisor1"), s.Person("supervisor1"), s.Order("Order143")
	s.Limit("supervisor1", "L2")
	if a := b.Get(handlerstest.OrderPath(o, "")); a.Status != http.StatusNotFound {
		t.Errorf("the page of an order: %d", a.Status)
	}
	// As one whose page came before the limit did.
	if _, err := s.Releaser.Release(
		t.Context(), by, packaging.Press{Order: o.ID},
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("release: %v", err)
	}
	if err := s.Settler.Ask(t.Context(), s.Person("supervisor1"), o.ID); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("ask: %v", err)
	}
	if err := s.Store.AddList(
		t.Context(), by, s.Order("Order139").ID, 0, 0, []string{"a"},
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("add a list: %v", err)
	}
	if _, err := s.Store.StartQueue(
		t.Context(), by, o.Line.ID, []packaging.QueuePick{{Order: o.ID}},
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("queue: %v", err)
	}
	s.Limit("supervisor1")
	if a := b.Get(handlerstest.OrderPath(o, "")); a.Status != http.StatusOK {
		t.Errorf("the page of an order when the limit is lifted: %d", a.Status)
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases carried out", n)
	}
}

// tenantWide are the questions of the store that take a whole tenant, and why their answers show nothing of a line that
// the person does not see. Whatever else reads for a page takes a packaging.Scope.
var tenantWide = map[string]string{
	"Tenant":           "what the site is called",
	"Freshness":        "how old all orders are",
	"People":           "who the colleagues are",
	"Sessions":         "who is signed in",
	"HasLoss":          "that a part of the history is lost, which everybody must know",
	"TenantLosses":     "part of the setup, whose pages name all lines",
	"KeptAnswers":      "the same",
	"PIN":              "one person's own",
	"BadgeOwner":       "whose badge it is",
	"StationFactors":   "who can sign in at stations",
	"BadgeToConfirm":   "who set a person's badge",
	"StationUse":       "how long a station goes unused",
	"AlarmSettings":    "how the site's alarms are sent",
	"Recipients":       "who is told of the site's alarms",
	"Stations":         "the setup of tablets, not what runs on their lines",
	"Displays":         "screens that show all lines, as the setup lists them",
	"Rules":            "what holds for all lines",
	"Signatures":       "asked for the release of an order that was found in the scope",
	"SetupSteps":       "what of the site is set up",
	"TokenSettings":    "the site's connection",
	"CredentialStates": "when the site's credentials were set",
	"CredentialsEnd":   "when they end",
	"FillCredentials":  "the site's own credentials, for a test of its connection",
	"SingleSignOn":     "how people sign in",
	"FillClientSecret": "the secret of how they do, for a test of it",
	"Tokens":           "part of the setup, whose pages name all lines",
	"HistoryPeople":    "who has ever done something, for a filter",
}

func TestWhatReadsForPagesTakesTheScopeOfThePerson(t *testing.T) {
	t.Parallel()
	store := reflect.TypeFor[handlers.Store]()
	for i := range store.NumMethod() {
		m := store.Method(i)
		for j := range m.Type.NumIn() {
			if m.Type.In(j) == reflect.TypeFor[packaging.TenantID]() && tenantWide[m.Name] == "" {
				t.Errorf(
					"Store.%s asks for a whole tenant: take a packaging.Scope, or say in this test why it shows nothing of a line",
					m.Name,
				)
			}
		}
	}
	eachSource(t, func(file, source string) {
		if strings.Contains(source, "packaging.Everything(") {
			t.Errorf("%s asks for everything of a tenant; pages ask in the scope of their person", file)
		}
	})
}

// eachSource hands over each file of the handlers, but for tests.
func eachSource(t *testing.T, do func(file, source string)) {
	t.Helper()
	for _, folder := range []string{"*.go", "*/*.go"} { // the features stand in folders of their own
		files, err := filepath.Glob(folder)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", folder, len(files), err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(file, "_test.go") {
				do(file, string(source))
			}
		}
	}
}
