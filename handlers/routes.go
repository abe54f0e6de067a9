package handlers

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
)

// Paths whose requests bring more along than a form.
const (
	listPath   = "/orders/:id/list"
	importPath = "/imports"
	exportPath = "/imports/orders."
	ssoPath    = "/sso/:tenant"
)

// route is a row of the table: a method, a path, what a person must be allowed to do, and the handler. On which lines
// a person may do it is a part of what handlers ask the store and the rooms behind it (see [packaging.Scope]).
type route struct {
	method, path string
	needs        packaging.Action
	handle       echo.HandlerFunc
}

// head is the handler of HEAD: that of GET, whose body is left out. What stands in the history, begins a sign-in or
// stays open does not happen for a HEAD: it says only that the address is there.
func (r route) head() echo.HandlerFunc {
	switch {
	case r.needs == packaging.ExportRecords, strings.HasPrefix(r.path, exportPath), r.path == web.EventsPath,
		r.path == ssoPath, r.path == web.CallbackPath:
		return func(c echo.Context) error { return c.NoContent(http.StatusOK) }
	}
	return r.handle
}

// routes is the whole table.
func (s *server) routes() []route {
	return []route{
		{"GET", "/healthz", web.Anybody, s.kit.Alive},
		{"GET", "/readyz", web.Anybody, s.kit.Ready},
		{"GET", "/setup", web.Anybody, s.firstStart.Page},
		{"POST", "/setup", web.Anybody, s.firstStart.SetUp},
		{"GET", web.EventsPath, packaging.ViewOrders, s.kit.Events},
		{"GET", "/fresh", packaging.ViewOrders, s.kit.ShowFreshness},
		{"GET", "/sw.js", web.Anybody, s.kit.ServiceWorker},
		{"GET", "/manifest.webmanifest", web.Anybody, s.kit.Manifest},
		{"GET", "/offline", web.Anybody, s.kit.Offline},
		{"GET", "/login", web.Anybody, s.signin.LoginPage},
		{"POST", "/login", web.Anybody, s.signin.Login},
		{"POST", "/logout", web.Anybody, s.signin.Logout},
		{"GET", ssoPath, web.Anybody, s.signin.StartSSO},
		{"GET", web.CallbackPath, web.Anybody, s.signin.Callback},
		{"POST", "/tenant", packaging.ViewOrders, s.signin.SwitchTenant},
		{"POST", "/language", web.Anybody, s.kit.SetLanguage},
		{"POST", "/theme", web.Anybody, s.kit.SetTheme},
		{"GET", "/help", packaging.ViewOrders, s.kit.Help},
		{"POST", "/hints", packaging.ViewOrders, s.kit.DropHint},
		{"GET", "/account/pin", packaging.ViewOrders, s.signin.PIN},
		{"POST", "/account/pin", packaging.ViewOrders, s.signin.SetPIN},
		{"POST", "/account/badge", packaging.ViewOrders, s.signin.SetOwnBadge},

		{"GET", "/station", web.Anybody, s.signin.StationPage},
		{"POST", "/station", web.Anybody, s.signin.BindStation},
		{"POST", "/station/sign-in", web.Anybody, s.signin.StationSignIn},
		{"GET", "/station/idle", packaging.ViewOrders, s.signin.StationIdle},
		{"POST", "/station/used", packaging.ViewOrders, s.signin.StationIdle},
		{"POST", "/station/lock", web.Anybody, s.signin.LockStation},
		{"POST", "/station/unbind", packaging.Administer, s.signin.UnbindTablet},
		{"GET", "/account", packaging.ViewOrders, s.signin.Account},
		{"POST", "/account/password", packaging.ViewOrders, s.signin.ChangePassword},
		{"POST", "/account/confirm", packaging.ViewOrders, s.signin.ConfirmOwnPassword},
		{"POST", "/account/confirm/:user", packaging.ConfirmPeople, s.signin.ConfirmPassword},
		{"POST", "/account/waive", packaging.WaiveConfirm, s.signin.WaiveConfirmation},
		{"POST", "/account/sso", packaging.ViewOrders, s.signin.ConnectIdentity},
		{"POST", "/account/sso/disconnect", packaging.ViewOrders, s.signin.DisconnectIdentity},
		{"POST", "/account/signing", packaging.ViewOrders, s.signin.SetSigningPassword},
		{"POST", "/account/sessions/:session/end", packaging.ViewOrders, s.signin.EndOwnSession},

		{"GET", "/", packaging.ViewOrders, s.orders.Overview},
		{"GET", "/wall", web.Anybody, s.orders.Display},
		{"POST", "/refresh", packaging.RefreshOrders, s.orders.RefreshNow},
		{"GET", "/refresh", packaging.ViewOrders, s.orders.BackToOverview},
		{"GET", "/adopt", packaging.SetLines, s.orders.AdoptForm},
		{"POST", "/adopt", packaging.SetLines, s.orders.Adopt},
		{"GET", "/lines/:line", packaging.ViewOrders, s.orders.Line},
		{"GET", "/lines/:line/queue", packaging.ViewOrders, s.orders.Queue},
		{"POST", "/lines/:line/queue", packaging.ReleaseOrders, s.orders.StartQueue},
		{"POST", "/lines/:line/queue/stop", packaging.ReleaseOrders, s.orders.StopQueue},
		{"POST", "/lines/:line/queue/discard", packaging.ReleaseOrders, s.orders.DiscardQueue},
		{"POST", "/lines/:line/acknowledge", packaging.SettleOrders, s.orders.AcknowledgeAll},
		{"POST", "/lines/:line/notes", packaging.WriteNotes, s.orders.NoteLine},
		{"GET", "/scan", packaging.ViewOrders, s.orders.Scan},
		{"GET", "/orders", packaging.ViewOrders, s.orders.Search},
		{"GET", "/orders/:id", packaging.ViewOrders, s.orders.Order},
		{"POST", "/orders/:id/release", packaging.ReleaseOrders, s.orders.Release},
		{"GET", "/orders/:id/release", packaging.ViewOrders, s.orders.BackToOrder},
		{"POST", "/orders/:id/line", packaging.SetLines, s.orders.SetOrderLine},
		{"GET", "/orders/:id/line", packaging.ViewOrders, s.orders.BackToOrder},
		{"POST", "/orders/:id/withdraw", packaging.ImportOrders, s.orders.Withdraw},
		{"GET", "/orders/:id/withdraw", packaging.ViewOrders, s.orders.BackToOrder},
		{"POST", "/orders/:id/give-back", packaging.ImportOrders, s.orders.GiveValueBack},
		{"GET", "/orders/:id/give-back", packaging.ViewOrders, s.orders.BackToOrder},
		{"GET", "/orders/:id/story", packaging.ViewOrders, s.orders.Story},
		{"POST", "/orders/:id/ask", packaging.SettleOrders, s.orders.AskStatus},
		{"POST", "/orders/:id/settle", packaging.ReleaseOrders, s.orders.SettleByWord},
		{"GET", "/orders/:id/settle", packaging.ViewOrders, s.orders.BackToOrder},
		{"POST", "/orders/:id/deliveries", packaging.SettleOrders, s.orders.SendList},
		{"POST", "/orders/:id/deliveries/:delivery", packaging.SettleOrders, s.orders.SetDelivery},
		{"POST", "/orders/:id/acknowledge", packaging.SettleOrders, s.orders.Acknowledge},
		{"POST", "/kept-answers/:kept/dismiss", packaging.SettleOrders, s.orders.DismissKept},
		{"GET", listPath, packaging.SettleOrders, s.orders.ListForm},
		{"POST", listPath, packaging.SettleOrders, s.orders.AddList},
		{"GET", "/orders/:id/serials", packaging.ViewOrders, s.orders.Serials},
		{"POST", "/orders/:id/serials/show", packaging.ReleaseOrders, s.orders.ShowSerial},
		{"GET", "/orders/:id/serials/show", packaging.ViewOrders, s.orders.BackToSerials},
		{"GET", "/orders/:id/serials.csv", packaging.ExportRecords, s.orders.SerialsTable},
		{"GET", "/orders/:id/serials.xlsx", packaging.ExportRecords, s.orders.SerialsTable},
		{"GET", "/orders/:id/serials.json", packaging.ExportRecords, s.orders.SerialsJSON},
		{"GET", importPath, packaging.ImportOrders, s.imports.Imports},
		{"POST", importPath, packaging.ImportOrders, s.imports.Check},
		{"GET", "/imports/template.csv", packaging.ImportOrders, s.imports.Template},
		{"GET", "/imports/template.xlsx", packaging.ImportOrders, s.imports.Template},
		{"GET", exportPath + "csv", packaging.ImportOrders, s.imports.PresentOrders},
		{"GET", exportPath + "xlsx", packaging.ImportOrders, s.imports.PresentOrders},
		{"GET", "/imports/previews/:id", packaging.ImportOrders, s.imports.PreviewPage},
		{"POST", "/imports/previews/:id", packaging.ImportOrders, s.imports.Apply},
		{"GET", "/imports/:id", packaging.ViewHistory, s.imports.Imported},
		{"POST", "/imports/:id/give-back", packaging.ImportOrders, s.imports.GiveBack},
		{"POST", "/orders/:id/notes", packaging.WriteNotes, s.orders.NoteOrder},
		{"POST", "/alarms/:id/take", packaging.TakeAlarms, s.orders.TakeAlarm},
		{"POST", "/notes/:note/withdraw", packaging.WriteNotes, s.orders.WithdrawNote},
		{"GET", "/shifts", packaging.ViewReports, s.shifts.Shifts},
		{"GET", "/shifts/trends", packaging.ViewReports, s.shifts.Trends},
		{"GET", "/shifts/:date/:shift", packaging.ViewReports, s.shifts.Report},
		{"GET", "/shifts/:date/:shift/report.csv", packaging.ExportRecords, s.shifts.ReportCSV},
		{"GET", "/shifts/:date/:shift/report.xlsx", packaging.ExportRecords, s.shifts.ReportXLSX},
		{"GET", "/shifts/:date/:shift/handover", packaging.ViewReports, s.shifts.Handover},
		{"POST", "/shifts/:date/:shift/handover", packaging.HandOver, s.shifts.HandOver},
		{"POST", "/shifts/:date/:shift/handover/take", packaging.HandOver, s.shifts.TakeOver},
		{"POST", "/shifts/:date/:shift/handover/acknowledge", packaging.HandOver, s.shifts.AcknowledgeItems},
		{"GET", "/shifts/:date/:shift/sign", packaging.ReviewShifts, s.shifts.SignPage},
		{"POST", "/shifts/:date/:shift/sign", packaging.ReviewShifts, s.shifts.Sign},
		{"GET", "/history", packaging.ViewHistory, s.history.History},
		{"GET", "/history/new", packaging.ViewHistory, s.history.NewEntries},
		{"GET", "/history.csv", packaging.ExportRecords, s.history.Export},
		{"GET", "/history.xlsx", packaging.ExportRecords, s.history.Export},
		{"POST", "/history/verify", packaging.ExportRecords, s.history.Verify},
		{"GET", "/history/verify", packaging.ViewHistory, s.history.ShowCheck},
		{"POST", "/history/views", packaging.ViewHistory, s.history.SaveView},
		{"POST", "/history/views/:id/remove", packaging.ViewHistory, s.history.RemoveView},
		{"GET", "/history/:seq", packaging.ViewHistory, s.history.Entry},

		{"GET", "/admin", packaging.ViewSetup, s.connection.Overview},
		{"GET", "/admin/stations", packaging.ViewSetup, s.stations.List},
		{"POST", "/admin/stations", packaging.Administer, s.stations.Add},
		{"GET", "/admin/releases", packaging.ViewSetup, s.stations.ReleaseRules},
		{"POST", "/admin/releases", packaging.Administer, s.stations.SetReleaseRules},
		{"POST", "/admin/stations/rules", packaging.Administer, s.stations.SetRules},
		{"POST", "/admin/stations/badge", packaging.Administer, s.stations.SetBadge},
		{"POST", "/admin/stations/:id/code", packaging.Administer, s.stations.MakeCode},
		{"POST", "/admin/stations/:id/language", packaging.Administer, s.stations.SetLanguage},
		{"POST", "/admin/stations/:id/unbind", packaging.Administer, s.stations.Unbind},
		{"POST", "/admin/stations/:id/remove", packaging.Administer, s.stations.Remove},
		{"POST", "/admin/displays", packaging.Administer, s.stations.AddDisplay},
		{"POST", "/admin/displays/:id/code", packaging.Administer, s.stations.MakeDisplayCode},
		{"POST", "/admin/displays/:id/unbind", packaging.Administer, s.stations.UnbindDisplay},
		{"POST", "/admin/displays/:id/remove", packaging.Administer, s.stations.RemoveDisplay},
		{"GET", "/admin/sessions", packaging.ViewSetup, s.sessions.List},
		{"POST", "/admin/sessions/:session/end", packaging.Administer, s.sessions.End},
		{"GET", "/admin/health", packaging.ViewSetup, s.health.Show},
		{"GET", "/admin/data", packaging.ViewSetup, s.data.Show},
		{"POST", "/admin/data/losses/:loss/acknowledge", packaging.Administer, s.data.Acknowledge},
		{"GET", "/admin/sso", packaging.ViewSetup, s.signOn.Show},
		{"POST", "/admin/sso", packaging.Administer, s.signOn.Set},
		{"POST", "/admin/sso/test", packaging.Administer, s.signOn.Test},
		{"GET", "/admin/connection", packaging.ViewSetup, s.connection.Show},
		{"POST", "/admin/connection", packaging.Administer, s.connection.Save},
		{"POST", "/admin/connection/end", packaging.Administer, s.connection.SaveEnd},
		{"POST", "/admin/connection/test", packaging.Administer, s.connection.Test},
		{"GET", "/admin/site", packaging.ViewSetup, s.sites.Show},
		{"POST", "/admin/site", packaging.Administer, s.sites.Set},
		{"POST", "/admin/sites", packaging.Administer, s.sites.Add},
		{"GET", "/admin/lines", packaging.ViewSetup, s.lines.List},
		{"POST", "/admin/lines", packaging.Administer, s.lines.Add},
		{"POST", "/admin/found-lines", packaging.Administer, s.lines.AddFound},
		{"POST", "/admin/lines/:code", packaging.Administer, s.lines.Set},
		{"GET", "/admin/lines/:code/destinations/new", packaging.Administer, s.destinations.New},
		{"POST", "/admin/lines/:code/destinations", packaging.Administer, s.destinations.Add},
		{"GET", "/admin/destinations/:id", packaging.ViewSetup, s.destinations.Show},
		{"POST", "/admin/destinations/:id", packaging.Administer, s.destinations.Set},
		{"POST", "/admin/destinations/:id/try", packaging.Administer, s.destinations.Try},
		{"POST", "/admin/destinations/:id/stop", packaging.Administer, s.destinations.Stop},
		{"POST", "/admin/destinations/:id/start", packaging.Administer, s.destinations.Start},
		{"POST", "/admin/destinations/:id/secret", packaging.Administer, s.destinations.Rotate},
		{"POST", "/admin/destinations/:id/retire", packaging.Administer, s.destinations.Retire},
		{"GET", "/admin/people", packaging.ViewSetup, s.people.List},
		{"POST", "/admin/people", packaging.Administer, s.people.Add},
		{"GET", "/admin/people/new", packaging.Administer, s.people.New},
		{"POST", "/admin/people/join", packaging.Administer, s.people.Join},
		{"GET", "/admin/people/:user", packaging.ViewSetup, s.people.Show},
		{"POST", "/admin/people/came", packaging.Administer, s.people.DecideSignOn},
		{"POST", "/admin/people/:user/human", packaging.Administer, s.people.SetHuman},
		{"POST", "/admin/people/:user", packaging.Administer, s.people.Set},
		{"POST", "/admin/people/:user/password", packaging.Administer, s.people.SetPassword},
		{"POST", "/admin/people/:user/active", packaging.Administer, s.people.SetActive},
		{"POST", "/admin/people/:user/factors", packaging.Administer, s.people.RemoveFactors},
		{"POST", "/admin/people/:user/remove", packaging.Administer, s.people.Remove},
		{"GET", "/admin/tokens", packaging.ViewSetup, s.tokens.List},
		{"POST", "/admin/tokens", packaging.Administer, s.tokens.Create},
		{"GET", "/admin/tokens/api", packaging.ViewSetup, s.programs.Page},
		{"POST", "/admin/tokens/:id/revoke", packaging.Administer, s.tokens.Revoke},
		{"GET", "/admin/alarms", packaging.ViewSetup, s.alarms.Show},
		{"POST", "/admin/alarms/settings", packaging.Administer, s.alarms.Set},
		{"POST", "/admin/alarms/rules", packaging.Administer, s.alarms.SetRule},
		{"POST", "/admin/alarms/rules/:id/remove", packaging.Administer, s.alarms.RemoveRule},
		{"POST", "/admin/alarms/recipients", packaging.Administer, s.alarms.AddRecipient},
		{"POST", "/admin/alarms/recipients/:id/try", packaging.Administer, s.alarms.TryRecipient},
		{"POST", "/admin/alarms/recipients/:id/remove", packaging.Administer, s.alarms.RemoveRecipient},
		{"GET", "/admin/shifts", packaging.ViewSetup, s.setShifts.Show},
		{"POST", "/admin/shifts", packaging.Administer, s.setShifts.Set},
		{"POST", "/admin/shifts/signing", packaging.Administer, s.setShifts.SetSigning},
	}
}

// headToo answers HEAD wherever GET is answered. The server itself leaves the body out.
type headToo struct{ *echo.Echo }

// GET adds a route for both.
func (h headToo) GET(path string, handle echo.HandlerFunc) {
	h.Echo.GET(path, handle)
	h.Echo.HEAD(path, handle)
}

// apiRoutes is the table of the interface for programs, whose requests say by a token who sends them.
func (s *server) apiRoutes(e headToo) {
	e.GET("/api/v1/openapi.yaml", s.programs.Description)
	e.PUT("/api/v1/orders", s.imports.PutOrders, takeRest)
	e.GET("/api/v1/orders", s.programs.Orders)
	e.GET("/api/v1/orders/:id", s.programs.Order)
	e.GET("/api/v1/releases", s.programs.Releases)
	e.GET("/api/v1/releases/:id/serials", s.programs.Serials)
	e.POST("/api/v1/releases/:id/taken", s.programs.Take, limitForm)
	e.GET("/api/v1/lines", s.programs.Lines)
	e.GET("/api/v1/history", s.programs.History)
	e.GET("/api/v1/status", s.programs.Status)
}
