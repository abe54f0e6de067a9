package history

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/history"
	"lineboard/views/shell"
)

// Checks are the checks of histories that people ask for.
type Checks interface {
	// Check verifies a history, records the verdict, and has its serial lists compared in the background.
	Check(ctx context.Context, tenant packaging.Tenant, by packaging.Author) error
	// Last returns what the last check came to so far.
	Last(tenant packaging.TenantID) packaging.HistoryCheck
}

const entriesPerPage = 50

const maxOrderEntries = 200 // of one order: its whole story, but for a very long one

const maxOrdersOfSerial = 20

const maxWords = 8 // of a search; each more takes as long as the one before

// History lists the entries that a form asks for, the newest first.
func (s *Server) History(c echo.Context) (err error) {
	form := shell.HistoryFormOf(c.QueryParams())
	if len(form.Text) > web.MaxSearchText {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if form.Before, err = web.QueryNumber(c, "before"); err != nil {
		return err
	}
	if form.After, err = web.QueryNumber(c, "after"); err != nil {
		return err
	}
	return s.ShowLive(c, "history", func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		page, status, err := s.historyPage(ctx, reader, form)
		return web.Page{
			Status: status, Title: text.Say(ctx, "history.title"), Topics: []packaging.Topic{packaging.HistoryTopic},
			Content: func(f shell.Frame) templ.Component { return view.History(f, page) },
		}, err
	})
}

// historyPage reads what a form asks for. The status tells whether the form can be looked for.
func (s *Server) historyPage(
	ctx context.Context, p packaging.Person, form shell.HistoryForm,
) (page view.HistoryPage, status int, err error) {
	page.Form = form
	if page.Lines, err = s.Store.Lines(ctx, p.Scope()); err != nil {
		return page, 0, err
	}
	if page.People, err = s.Store.HistoryPeople(ctx, p.Tenant.ID); err != nil {
		return page, 0, err
	}
	if page.Views, err = s.Store.HistoryViews(ctx, p); err != nil {
		return page, 0, err
	}
	asked, err := s.parseQuery(ctx, p, form)
	if err != nil {
		return page, 0, err
	}
	page.Orders, page.Shift, page.Problem, page.Shifts = asked.orders, asked.shift, asked.problem, asked.shifts
	if page.Problem != "" {
		return page, asked.status, nil
	}
	if page.Page, err = s.Store.History(ctx, p.Scope(), asked.filter); err != nil {
		return page, 0, err
	}
	endsLater := asked.filter.To.IsZero() || asked.filter.To.After(s.Now())
	page.Grows = page.Page.Newer == 0 && asked.filter.After == 0 && endsLater
	if form.Order != "" && len(page.Orders) == 0 && len(page.Page.Entries) > 0 {
		page.Orders, err = s.ordersOf(ctx, p, page.Page.Entries[0])
	}
	return page, http.StatusOK, err
}

// ordersOf returns the order of an entry, none if it is on a line now that the person does not see.
func (s *Server) ordersOf(ctx context.Context, p packaging.Person, e packaging.Entry) ([]packaging.Order, error) {
	o, err := s.Store.Order(ctx, p.Scope(), e.OrderID)
	if packaging.CodeOf(err) == packaging.NotFound {
		return nil, nil
	}
	return []packaging.Order{o}, err
}

// NewEntries tells a page of the newest entries how many have come since. The page asks when there are any, and not
// more often than it shows them.
func (s *Server) NewEntries(c echo.Context) (err error) {
	form := shell.HistoryFormOf(c.QueryParams())
	if form.After, err = web.QueryNumber(c, "after"); err != nil {
		return err
	}
	return s.ShowPart(c, func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		asked, err := s.parseQuery(ctx, reader, form)
		if err != nil {
			return web.Page{}, err
		}
		if asked.problem != "" || len(form.Text) > web.MaxSearchText {
			return web.Page{}, packaging.Fail(packaging.Invalid, "error.invalid")
		}
		asked.filter.Limit = view.MaxNewEntries
		n, err := s.Store.NewEntries(ctx, reader.Scope(), asked.filter)
		return web.Page{
			Topics:  []packaging.Topic{packaging.HistoryTopic},
			Content: func(f shell.Frame) templ.Component { return view.NewEntries(f, form, n) },
		}, err
	})
}

// query is what a form comes to.
type query struct {
	filter  packaging.HistoryFilter
	shifts  []string             // that could be asked for
	shift   packaging.Occurrence // that is
	orders  []packaging.Order    // that the serial number came with
	problem string               // why there is nothing to look for
	status  int                  // where there is a problem: whether it is of the form, or of what it names
}

// parseQuery reads the form.
func (s *Server) parseQuery(ctx context.Context, p packaging.Person, form shell.HistoryForm) (a query, err error) {
	a.filter = packaging.HistoryFilter{
		Text:       form.Text,
		LineCode:   form.Line,
		OrderKey:   form.Order,
		Person:     form.Person,
		Deed:       packaging.Deed(form.Deed),
		Outcome:    packaging.Outcome(form.Outcome),
		Exceptions: form.Exceptions,
		Before:     form.Before, After: form.After, Limit: entriesPerPage,
	}
	if form.Order != "" || form.Serial != "" {
		a.filter.Limit = maxOrderEntries
	}
	if len(strings.Fields(form.Text)) > maxWords {
		a.problem = text.Say(ctx, "history.too_many_words", "Most", text.Number(ctx, maxWords))
		a.status = http.StatusBadRequest
		return a, nil
	}
	roster, err := s.Store.Roster(ctx, p.Scope())
	if err != nil {
		return a, err
	}
	a.shifts = roster.Names()
	a.narrowTime(ctx, form, roster, p.Tenant, s.Now())
	if a.problem != "" || form.Serial == "" {
		return a, nil
	}
	if a.orders, err = s.Store.OrdersOfSerial(ctx, p.Scope(), form.Serial, maxOrdersOfSerial); err != nil {
		return a, err
	}
	for _, o := range a.orders {
		a.filter.Orders = append(a.filter.Orders, o.Key)
	}
	if len(a.orders) == 0 {
		a.problem, a.status = text.Say(ctx, "history.serial_unknown", "Serial", form.Serial), http.StatusOK
	}
	return a, nil
}

// narrowTime narrows the filter to what lies within all of the times that the form names.
func (a *query) narrowTime(
	ctx context.Context, form shell.HistoryForm, roster packaging.Roster, tenant packaging.Tenant, now time.Time,
) {
	f, zone := &a.filter, tenant.Location()
	for _, at := range []struct {
		typed string
		into  *time.Time
		of    func(siteTime, *time.Location) time.Time
	}{{form.From, &f.From, siteTime.begin}, {form.To, &f.To, siteTime.end}} {
		read, ok := readSiteTime(at.typed)
		switch {
		case ok:
			*at.into = at.of(read, zone)
		case at.typed != "":
			a.problem, a.status = text.Say(
				ctx, "history.bad_time", "Time", at.typed, "Form", text.Say(ctx, "date.form")+" "+text.Say(ctx, "time.form"),
			), http.StatusBadRequest
			return
		}
	}
	day, ok := packaging.ParseDay(form.Day)
	if form.Day != "" && !ok {
		a.problem, a.status = text.Say(
			ctx, "history.bad_day", "Day", form.Day, "Form", text.Say(ctx, "date.form"),
		), http.StatusBadRequest
		return
	}
	within := packaging.Occurrence{}
	switch {
	case form.Shift == "" && form.Day == "":
		return
	case form.Shift == "":
		within.Begin, within.Until = packaging.At(day, 0, zone), packaging.At(day.Plus(1), 0, zone)
	case form.Day == "":
		within, ok = roster.Latest(form.Shift, now, zone)
		a.shift = within
	default:
		within, ok = roster.Find(day, form.Shift, zone)
		a.shift = within
	}
	if !ok {
		a.problem, a.status = text.Say(ctx, "history.no_shift", "Shift", form.Shift), http.StatusOK
		return
	}
	if within.Begin.After(f.From) {
		f.From = within.Begin
	}
	if f.To.IsZero() || within.Until.Before(f.To) {
		f.To = within.Until
	}
}

// Entry is the page of one entry: all of it, and whether it fits the one before it.
func (s *Server) Entry(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	seq, err := web.PathID[int64](c, "seq")
	if err != nil {
		return err
	}
	var page view.EntryPage
	if page.Entry, page.Follows, err = s.Store.Entry(ctx, p.Scope(), seq); err != nil {
		return err
	}
	for _, neighbour := range []struct {
		filter packaging.HistoryFilter
		into   *int64
	}{
		{packaging.HistoryFilter{Before: seq, Limit: 1}, &page.Before},
		{packaging.HistoryFilter{After: seq, Limit: 1}, &page.After},
	} {
		near, err := s.Store.History(ctx, p.Scope(), neighbour.filter)
		if err != nil {
			return err
		}
		for _, e := range near.Entries {
			*neighbour.into = e.Seq
		}
	}
	f, err := s.Frame(
		c, "history", text.Say(c.Request().Context(), "entry.title", "Seq", text.Number(c.Request().Context(), seq)),
	)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.Entry(f, page))
}

// Verify checks the whole history, and has its serial lists compared. Who looked, and what came of it, is in the
// history then.
func (s *Server) Verify(c echo.Context) error {
	p := web.SignedIn(c)
	if err := s.Checks.Check(c.Request().Context(), p.Tenant, p.Author); err != nil {
		return err
	}
	return s.ShowCheck(c)
}

// ShowCheck shows the last check of the history, and how far it is.
func (s *Server) ShowCheck(c echo.Context) error {
	if s.Checks.Last(web.SignedIn(c).Tenant.ID).At.IsZero() {
		return s.backToHistory(c)
	}
	return s.ShowLive(c, "history", func(ctx context.Context, reader packaging.Person) (web.Page, error) {
		check := s.Checks.Last(reader.Tenant.ID)
		return web.Page{
			Title: text.Say(ctx, "verify.title"), Topics: []packaging.Topic{packaging.CheckTopic},
			Content: func(f shell.Frame) templ.Component { return view.Verified(f, check) },
		}, nil
	})
}

func (s *Server) backToHistory(c echo.Context) error {
	return web.SeeOther(c, shell.HistoryURL(shell.HistoryForm{}))
}

// SaveView keeps what the form asks for under a name. Only who reviews shifts shares a view with others.
func (s *Server) SaveView(c echo.Context) error {
	p := web.SignedIn(c)
	q, err := url.ParseQuery(c.FormValue("query"))
	form := shell.HistoryFormOf(q)
	v := packaging.HistoryView{
		Name:   strings.TrimSpace(c.FormValue("name")),
		Query:  form.Query(),
		Shared: c.FormValue("shared") != "",
	}
	if err != nil || v.Name == "" || utf8.RuneCountInString(v.Name) > 60 || !utf8.ValidString(v.Name) ||
		v.Query == "" {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if v.Shared && !p.May(packaging.ReviewShifts) {
		return packaging.Fail(packaging.Forbidden, "error.forbidden")
	}
	if err := s.Store.SaveHistoryView(c.Request().Context(), p, v); err != nil {
		return err
	}
	return web.SeeOther(c, shell.HistoryURL(form))
}

// RemoveView removes a view that the person saved.
func (s *Server) RemoveView(c echo.Context) error {
	id, err := web.PathID[int64](c, "id")
	if err != nil {
		return err
	}
	if err := s.Store.RemoveHistoryView(c.Request().Context(), web.SignedIn(c), id); err != nil {
		return err
	}
	return s.backToHistory(c)
}

// siteTime is a time of the site as browsers send it: a day, a minute, or a second.
type siteTime struct {
	day    packaging.Day
	minute packaging.Minute
	second time.Duration
	lasts  time.Duration // how long the clock shows it; zero for a day
}

func readSiteTime(typed string) (siteTime, bool) {
	for _, form := range []struct {
		layout string
		lasts  time.Duration
	}{{time.DateOnly, 0}, {"2006-01-02T15:04", time.Minute}, {"2006-01-02T15:04:05", time.Second}} {
		if shown, err := time.Parse(form.layout, typed); err == nil {
			return siteTime{
				day: packaging.DayOf(shown, time.UTC), minute: packaging.Minute(shown.Hour()*60 + shown.Minute()),
				second: time.Duration(shown.Second()) * time.Second, lasts: form.lasts,
			}, true
		}
	}
	return siteTime{}, false
}

// begin returns the moment at which the clock of the zone shows it first.
func (t siteTime) begin(zone *time.Location) time.Time {
	return packaging.At(t.day, t.minute, zone).Add(t.second)
}

// end returns the moment from which on the clock of the zone does not show it any more.
func (t siteTime) end(zone *time.Location) time.Time {
	if t.lasts == 0 {
		return packaging.At(t.day.Plus(1), 0, zone) // the next day may have no midnight
	}
	last := packaging.LastAt(t.day, t.minute, zone)
	if shown := last.In(zone); packaging.Minute(shown.Hour()*60+shown.Minute()) != t.minute {
		return last // the clock skips it
	}
	return last.Add(t.second + t.lasts)
}
