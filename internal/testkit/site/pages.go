package site

// Pages are the routes that answer with a page for people. Browser tests look at each, in every size and light.
var Pages = []string{
	"/login", "/station", "/setup", "/offline",
	"/", "/wall", "/adopt", "/scan", "/lines/:line", "/lines/:line/queue",
	"/orders", "/orders/:id", "/orders/:id/story", "/orders/:id/list", "/orders/:id/serials",
	"/imports", "/imports/previews/:id", "/imports/:id",
	"/shifts", "/shifts/trends", "/shifts/:date/:shift", "/shifts/:date/:shift/handover", "/shifts/:date/:shift/sign",
	"/history", "/history/:seq", "/history/verify",
	"/help", "/account", "/account/pin",
	"/admin", "/admin/connection", "/admin/site", "/admin/lines",
	"/admin/lines/:code/destinations/new", "/admin/destinations/:id",
	"/admin/people", "/admin/people/new", "/admin/people/:user",
	"/admin/stations", "/admin/releases", "/admin/sessions", "/admin/data", "/admin/health", "/admin/tokens",
	"/admin/tokens/api", "/admin/shifts", "/admin/alarms", "/admin/sso",
}
