package web

import (
	"bytes"
	"context"
	"net/http"
	"sync"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/internal/live"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes a page. It is rendered whole first: an error on the way is an error page, never half a page with a 200.
func Render(c echo.Context, status int, page templ.Component) error {
	buffer := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buffer)
	buffer.Reset()
	if err := page.Render(c.Request().Context(), buffer); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store") // what a page shows is a person's and of this moment
	h.Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := c.Response().Write(buffer.Bytes())
	return err
}

// Frame is what surrounds a page of somebody signed in.
func (s *Kit) Frame(c echo.Context, section, title string) (f shell.Frame, err error) {
	p := SignedIn(c)
	c.Response().Header().Set(readerHeader, s.readerTag(c))
	f = shell.Frame{Title: title, Section: section, Path: CurrentPath(c), Hint: s.Hints[c.Path()], Person: p, Now: s.Now()}
	if u, ok := StationUse(c); ok {
		f.Station, f.LockIn = Station(c), u.Left(f.Now)
	}
	if p.Elsewhere {
		if f.Member, err = s.Store.Memberships(c.Request().Context(), p.ID); err != nil {
			return f, err
		}
	}
	if section == "admin" && p.May(packaging.Administer) {
		steps, err := s.Store.SetupSteps(c.Request().Context(), p.Tenant.ID)
		f.Steps = &steps
		return f, err
	}
	return f, nil
}

// FreshFrame is frame for a page that shows orders of the cache: it tells how old they are.
func (s *Kit) FreshFrame(c echo.Context, section, title string) (f shell.Frame, err error) {
	if f, err = s.Frame(c, section, title); err != nil {
		return f, err
	}
	before := s.Hub.Now()
	fresh, err := s.Freshness(c.Request().Context(), f.Person.Tenant.ID)
	f.Fresh, f.FreshLive = &fresh, s.Live(f, before, packaging.FreshTopic, packaging.SiteTopic)
	return f, err
}

// Freshness says how old the orders of a tenant are.
func (s *Kit) Freshness(ctx context.Context, tenant packaging.TenantID) (packaging.Freshness, error) {
	fresh, err := s.Store.Freshness(ctx, tenant)
	fresh.Interval = s.Interval
	if fresh.Problem == packaging.NoReason && s.Clients.Down(tenant) {
		fresh.Problem = packaging.CloudDown // known before the next refresh finds it out
	}
	return fresh, err
}

// Live is what the script of a page needs to keep a part of it up to date: the topics, and their version as of before the
// part's data were read.
func (s *Kit) Live(f shell.Frame, before live.Version, topics ...packaging.Topic) shell.Live {
	all := make([]string, len(topics))
	for i, t := range topics {
		all[i] = t.Of(f.Person.Tenant.ID)
	}
	return shell.Live{Topics: topics, Version: uint64(min(s.Hub.Version(all...), before))}
}
