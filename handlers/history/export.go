package history

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

var historyColumns = []string{
	"number", "time_utc", "time_site", "username", "full_name", "role", "deed", "order_id", "line", "line_name",
	"outcome",
	"reason", "took_ms", "http_status", "code", "message", "serials", "object", "old", "new",
	"tenant_key", "user_key", "order_key", "release_key", "previous_hash", "hash", "format", "station", "comment",
	"records", "records_digest",
}

// Export sends all entries that the form asks for, newest first, with what their hashes are made of.
func (s *Server) Export(c echo.Context) error {
	p, ctx := web.SignedIn(c), c.Request().Context()
	form := shell.HistoryFormOf(c.QueryParams())
	if len(form.Text) > web.MaxSearchText {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	asked, err := s.parseQuery(ctx, p, form)
	switch {
	case err != nil:
		return err
	case asked.problem != "" && asked.status == http.StatusBadRequest:
		return packaging.Fail(packaging.Invalid, "error.invalid")
	case asked.problem != "":
		return packaging.Fail(packaging.NotFound, "error.not_found")
	}
	if asked.shift.Named() {
		form.Day = string(asked.shift.Day) // what is the latest now is not tomorrow
	}
	table, kind := web.FileName(c)
	if err := s.Store.Record(ctx, packaging.Entry{
		TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.Exported, Object: table + "." + kind, New: form.Query(),
	}); err != nil {
		return err
	}
	name := p.Tenant.Slug + "-history-" + s.Now().In(p.Tenant.Location()).Format("20060102-150405")
	return s.SendTable(c, name, historyColumns, func(row func(...string) error) error {
		return s.Store.EachEntry(ctx, p.Scope(), asked.filter, func(e packaging.Entry) error {
			return row(historyRow(e, p.Tenant.Location())...)
		})
	})
}

func historyRow(e packaging.Entry, site *time.Location) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		number(e.Seq), e.At.Format("2006-01-02T15:04:05.000Z"), e.At.In(site).Format("2006-01-02T15:04:05.000-07:00"),
		web.Cell(e.By.Username), web.Cell(e.By.FullName), string(e.By.Role), string(e.Deed),
		web.Cell(e.OrderKey), web.Cell(e.LineCode),
		web.Cell(e.LineName), string(e.Outcome), web.Cell(e.Reason), number(e.Took.Milliseconds()),
		number(int64(e.HTTPStatus)),
		web.Cell(e.Code), web.Cell(e.Message), number(e.Serials), web.Cell(e.Object), web.Cell(e.Old), web.Cell(e.New),
		number(int64(e.TenantID)), number(int64(e.By.ID)), number(int64(e.OrderID)), number(int64(e.ReleaseID)),
		hex.EncodeToString(e.Prev[:]), hex.EncodeToString(e.Hash[:]),
		number(int64(e.Format)), web.Cell(e.By.Station), web.Cell(e.Comment),
		number(e.Records), hex.EncodeToString(e.RecordsDigest[:]),
	}
}
