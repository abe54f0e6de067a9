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

// Render writes a page. It is rendered whole first: an error on the way is an error page, never half a page with a
// 200.
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

// Frame returns what surrounds a page of somebody signed in.
func (s *Kit) Frame(c echo.Context, section, title string) (f shell.Frame, err error) {
	p := SignedIn(c)
	c.Response().Header().Set(readerHeader, s.readerTag(c))
	f = shell.Frame{
		Title:   title,
		Section: section,
		Path:    CurrentPath(c),
		Hint:    s.hints[c.Path()],
		Person:  p,
		Now:     s.Now(),
		Copied:  s.copied(),
	}
	if u, ok := StationUse(c); ok {
		f.Station, f.LockIn = Station(c), u.Left(f.Now)
	}
	if p.ID != 0 {
		if f.Loss, err = s.store.HasLoss(c.Request().Context(), p.Tenant.ID); err != nil {
			return f, err
		}
	}
	if p.Elsewhere {
		if f.Member, err = s.store.Memberships(c.Request().Context(), p.ID); err != nil {
			return f, err
		}
	}
	if section == "admin" && p.May(packaging.Administer) {
		steps, err := s.store.SetupSteps(c.Request().Context(), p.Tenant.ID)
		f.Steps = &steps
		return f, err
	}
	return f, nil
}

// FreshFrame returns the frame of a page that shows orders of the cache: it tells how old they are.
func (s *Kit) FreshFrame(c echo.Context, section, title string) (f shell.Frame, err error) {
	if f, err = s.Frame(c, section, title); err != nil {
		return f, err
	}
	version := s.hub.Now()
	fresh, err := s.Freshness(c.Request().Context(), f.Person.Tenant.ID)
	f.Fresh, f.FreshLive = &fresh, s.live(f.Person, version, packaging.FreshTopic, packaging.SiteTopic)
	return f, err
}

// ShowFresh answers with a page that is drawn for one person, not kept, and tells how old the orders are.
func (s *Kit) ShowFresh(c echo.Context, section string, draw RenderFunc) error {
	return s.begin(c, draw, func(p Page) (f shell.Frame, err error) {
		f, err = s.FreshFrame(c, section, p.Title)
		f.Wall, f.Line = p.Wall, p.Line
		return f, err
	})
}

// ShowLive answers with a page that is drawn for one person, not kept, and follows its topics.
func (s *Kit) ShowLive(c echo.Context, section string, draw RenderFunc) error {
	return s.begin(c, draw, func(p Page) (shell.Frame, error) { return s.Frame(c, section, p.Title) })
}

// ShowPart answers with a part of a page that is open already.
func (s *Kit) ShowPart(c echo.Context, draw RenderFunc) error {
	return s.begin(c, draw, func(Page) (shell.Frame, error) {
		return shell.Frame{Person: SignedIn(c), Now: s.Now()}, nil
	})
}

// begin draws a page and its frame. It takes the page's version before draw reads any data, so that the page asks
// again for whatever changes meanwhile.
func (s *Kit) begin(c echo.Context, draw RenderFunc, frame func(Page) (shell.Frame, error)) error {
	version := s.hub.Now()
	page, err := draw(c.Request().Context(), SignedIn(c))
	if err != nil {
		return err
	}
	f, err := frame(page)
	if err != nil {
		return err
	}
	f.Live = s.live(f.Person, version, page.Topics...)
	content := page.Content(f)
	if f.Fresh != nil {
		content = shell.FullPage(f, content)
	}
	return Render(c, max(page.Status, http.StatusOK), content)
}

// Freshness returns how old the orders of a tenant are.
func (s *Kit) Freshness(ctx context.Context, tenant packaging.TenantID) (packaging.Freshness, error) {
	fresh, err := s.store.Freshness(ctx, tenant)
	fresh.Interval = s.interval
	since, down := s.clients.Down(tenant)
	if fresh.DownSince = since; down && fresh.Problem == packaging.NoReason {
		fresh.Problem = packaging.CloudDown // known before the next refresh finds it out
	}
	return fresh, err
}

// live returns what the script of a page needs to follow its topics. version is the hub's from before the page's data
// were read.
func (s *Kit) live(reader packaging.Person, version live.Version, topics ...packaging.Topic) shell.Live {
	all := make([]string, len(topics))
	for i, t := range topics {
		all[i] = t.Of(reader.Tenant.ID)
	}
	return shell.Live{Topics: topics, Version: uint64(min(s.hub.Version(all...), version))}
}
