package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/internal/text"
	"lineboard/static"
	"lineboard/views/shell"
)

// ServiceWorker serves the service worker, at the top because it looks after all pages.
func (s *Kit) ServiceWorker(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", static.Worker())
}

// Manifest lets a tablet install the pages as an app.
func (s *Kit) Manifest(c echo.Context) error {
	type icon struct {
		Source  string `json:"src"`
		Sizes   string `json:"sizes"`
		Type    string `json:"type"`
		Purpose string `json:"purpose,omitempty"`
	}
	ctx := c.Request().Context()
	home := shell.At(ctx, shell.HomeURL())
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	c.Response().Header().Set(echo.HeaderContentType, "application/manifest+json")
	return c.JSON(http.StatusOK, map[string]any{
		"name": "Lineboard", "short_name": "Lineboard", "id": home, "start_url": home, "scope": home,
		"display":          "standalone",
		"background_color": "#1c2733", "theme_color": "#1c2733",
		"icons": []icon{
			{shell.At(ctx, static.URL("icon-192.png")), "192x192", "image/png", ""},
			{shell.At(ctx, static.URL("icon-512.png")), "512x512", "image/png", ""},
			{shell.At(ctx, static.URL("icon-maskable-512.png")), "512x512", "image/png", "maskable"},
			{shell.At(ctx, static.URL("icon.svg")), "any", "image/svg+xml", ""},
		},
	})
}

// Offline is what a browser shows without the server where it has no copy of a page.
func (s *Kit) Offline(c echo.Context) error {
	ctx := c.Request().Context()
	problem := shell.Problem{What: text.Say(ctx, "offline.what"), Do: text.Say(ctx, "offline.do"), Code: "offline"}
	return Render(
		c, http.StatusOK, shell.OfflinePage(shell.Frame{Title: text.Say(ctx, "offline.title"), Now: s.Now()}, problem),
	)
}
