package handlers

import (
	"encoding/csv"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views"
)

const entriesAPage = 50

func (s *server) history(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	f, err := s.frame(c, "history", text.Say(pageContext(c), "history.title"))
	if err != nil {
		return err
	}
	f.Hint = "history"
	page := views.HistoryPage{Form: historyForm(c)}
	if page.Form.Before, err = position(c, "before"); err != nil {
		return err
	}
	if page.Lines, err = s.Store.Lines(ctx, p.Scope()); err != nil {
		return err
	}
	if page.People, err = s.Store.People(ctx, p.Tenant.ID); err != nil {
		return err
	}
	filter, wrong := historyFilter(page.Form, p.Tenant)
	if wrong != "" {
		page.Problem = text.Say(ctx, "history.bad_time", "Time", wrong)
		return render(c, http.StatusBadRequest, views.History(f, page))
	}
	if page.Page, err = s.Store.History(ctx, p.Scope(), filter); err != nil {
		return err
	}
	return render(c, http.StatusOK, views.History(f, page))
}

func historyForm(c echo.Context) views.HistoryForm {
	return views.HistoryForm{
		Line: c.QueryParam("line"), Order: strings.TrimSpace(c.QueryParam("order")), Person: c.QueryParam("person"),
		Outcome: c.QueryParam("outcome"), From: c.QueryParam("from"), To: c.QueryParam("to"),
	}
}

// historyFilter reads the form; wrong is a time in it that is none.
func historyFilter(form views.HistoryForm, tenant packaging.Tenant) (f packaging.HistoryFilter, wrong string) {
	f = packaging.HistoryFilter{
		LineCode: form.Line, OrderKey: form.Order, Person: form.Person, Outcome: packaging.Outcome(form.Outcome),
		Before: form.Before, Limit: entriesAPage,
	}
	for _, at := range []struct {
		typed string
		into  *time.Time
	}{{form.From, &f.From}, {form.To, &f.To}} {
		var ok bool
		if *at.into, ok = siteTime(at.typed, tenant); !ok {
			return f, at.typed
		}
	}
	return f, ""
}

// siteTime reads a time of the site as browsers send it, to the minute or the second. Nothing typed is the zero time.
func siteTime(typed string, tenant packaging.Tenant) (time.Time, bool) {
	if typed == "" {
		return time.Time{}, true
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(form, typed, tenant.Location()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

var historyColumns = []string{
	"number", "time_utc", "time_site", "username", "full_name", "role", "deed", "order_id", "line", "line_name", "outcome",
	"reason", "took_ms", "http_status", "code", "message", "serials", "object", "old", "new",
	"tenant_key", "user_key", "order_key", "release_key", "previous_hash", "hash", "format", "station", "comment",
}

// historyCSV streams all entries that the form asks for, newest first, with what their hashes are made of.
func (s *server) historyCSV(c echo.Context) error {
	p := signedIn(c)
	filter, wrong := historyFilter(historyForm(c), p.Tenant)
	if wrong != "" {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	ctx := c.Request().Context()
	if err := s.Store.Record(ctx, packaging.Entry{
		TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.Exported, Object: "history.csv", New: c.QueryString(),
	}); err != nil {
		return err
	}
	name := p.Tenant.Slug + "-history-" + s.Now().In(p.Tenant.Location()).Format("20060102-150405") + ".csv"
	return s.stream(c, name, func(w io.Writer) error {
		rows := csv.NewWriter(w)
		if err := rows.Write(historyColumns); err != nil {
			return err
		}
		if err := s.Store.EachEntry(ctx, p.Scope(), filter, func(e packaging.Entry) error {
			return rows.Write(historyRow(e, p.Tenant.Location()))
		}); err != nil {
			return err
		}
		rows.Flush()
		return rows.Error()
	})
}

func historyRow(e packaging.Entry, site *time.Location) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		number(e.Seq), e.At.Format("2006-01-02T15:04:05.000Z"), e.At.In(site).Format("2006-01-02T15:04:05.000-07:00"),
		cell(e.By.Username), cell(e.By.FullName), string(e.By.Role), string(e.Deed), cell(e.OrderKey), cell(e.LineCode),
		cell(e.LineName), string(e.Outcome), cell(e.Reason), number(e.Took.Milliseconds()), number(int64(e.HTTPStatus)),
		cell(e.Code), cell(e.Message), number(e.Serials), cell(e.Object), cell(e.Old), cell(e.New),
		number(int64(e.TenantID)), number(int64(e.By.ID)), number(int64(e.OrderID)), number(int64(e.ReleaseID)),
		hex.EncodeToString(e.Prev[:]), hex.EncodeToString(e.Hash[:]),
		number(int64(e.Format)), cell(e.By.Station), cell(e.Comment),
	}
}

// cell keeps a spreadsheet from taking a text for a formula: one that begins as a formula does, or with an apostrophe,
// gets an apostrophe in front. Without that apostrophe it is the text as stored.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r'", rune(s[0])) {
		return "'" + s
	}
	return s
}
