package shifts

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	view "lineboard/views/shifts"
)

// table is one table of a report, the same in each kind of file. A value is a text, an int64 or a time; no value is
// nil.
type table struct {
	name    string
	columns []string
	rows    [][]any
}

// reportTables are the tables of a report, as views.ReportTables names them.
func reportTables(r packaging.ShiftReport, signed []packaging.ReportedSignature) []table {
	return []table{
		figuresTable(r), releasesTable(r), deliveriesTable(r), peopleTable(r), notesTable(r), exceptionsTable(r),
		signaturesTable(signed),
	}
}

func figuresTable(r packaging.ShiftReport) table {
	t := table{"figures", []string{
		"line", "line_name", "requested", "released", "refused", "unknown", "sending", "unknown_at_first",
		"settled", "settled_median_ms", "settled_longest_ms",
		"waits", "waiting_median_ms", "waiting_longest_ms", "serials", "lists_missing", "lists_odd",
		"released_elsewhere", "nothing_sent", "settled_by_person",
	}, nil}
	row := func(line packaging.Line, f packaging.Figures) {
		t.rows = append(t.rows, []any{
			line.Code, line.Name, f.Requested, f.Released, f.Refused, f.Unknown, f.Sending, f.WasUnknown,
			f.Settling.Count, f.Settling.Median.Milliseconds(), f.Settling.Longest.Milliseconds(),
			f.Waiting.Count, f.Waiting.Median.Milliseconds(), f.Waiting.Longest.Milliseconds(),
			f.Serials, f.Missing, f.Odd, f.Elsewhere, f.Declined, f.ByPerson,
		})
	}
	for _, l := range r.Lines() {
		row(l.Line, l.Figures)
	}
	row(packaging.Line{Code: "*", Name: "total"}, r.Total())
	return t
}

func releasesTable(r packaging.ShiftReport) table {
	t := table{"releases", []string{
		"requested", "order_id", "product", "line", "line_name", "username", "full_name", "station",
		"outcome", "reason", "proof",
		"answered", "settled", "settling_ms", "pending_since", "waiting_ms", "serials", "expected",
		"list", "list_by", "list_at", "oddities",
		"settled_by", "settled_why", "release_number", "released_again_why",
	}, nil}
	for _, one := range r.Releases {
		var odd []string
		for _, o := range one.Oddities {
			odd = append(odd, fmt.Sprintf("%s %d", o.Kind, o.Count))
		}
		var expected any
		if one.ExpectedKnown {
			expected = one.Expected
		}
		t.rows = append(t.rows, []any{
			one.Requested, one.OrderKey, one.Product, one.Line.Code, one.Line.Name, one.By.Username,
			one.By.FullName, one.By.Station, string(one.Says()), string(one.Reason), string(one.Proof),
			one.Answered, one.Settled, millisOf(one.Settling()),
			one.PendingSince, millisOf(one.Waiting()), one.Serials, expected,
			string(one.List), one.ListBy, one.ListAt, strings.Join(odd, ", "),
			one.SettledBy, one.SettledWhy, int64(one.Number()), one.AgainWhy,
		})
	}
	return t
}

// deliveriesTable has a row for each destination.
func deliveriesTable(r packaging.ShiftReport) table {
	t := table{"deliveries", []string{"line", "line_name", "destination", "lists"}, nil}
	for _, state := range packaging.DeliveryStates {
		t.columns = append(t.columns, string(state))
	}
	for _, b := range r.Brought {
		row := []any{b.Line.Code, b.Line.Name, b.Destination, b.Lists}
		for _, state := range packaging.DeliveryStates {
			row = append(row, b.States[state])
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func millisOf(d time.Duration, known bool) any {
	if !known {
		return nil
	}
	return d.Milliseconds()
}

// peopleTable has a row for each person and deed.
func peopleTable(r packaging.ShiftReport) table {
	t := table{"people", []string{"username", "full_name", "deed", "times"}, nil}
	for _, p := range r.People {
		for _, d := range packaging.Deeds {
			if n := p.Deeds[d]; n > 0 {
				t.rows = append(t.rows, []any{p.Username, p.FullName, string(d), n})
			}
		}
	}
	return t
}

func notesTable(r packaging.ShiftReport) table {
	t := table{"notes", []string{
		"written", "line", "line_name", "order_id", "username", "full_name", "station", "words", "withdrawn", "why",
	}, nil}
	for _, n := range r.Notes {
		t.rows = append(t.rows, []any{
			n.At, n.Line.Code, n.Line.Name, n.OrderKey, n.By.Username, n.By.FullName, n.By.Station,
			n.Words, n.Withdrawn, n.Why,
		})
	}
	return t
}

func exceptionsTable(r packaging.ShiftReport) table {
	t := table{"exceptions", []string{
		"number", "at", "deed", "outcome", "reason", "order_id", "line", "line_name",
		"username", "full_name", "station", "message", "comment",
	}, nil}
	for _, e := range r.Exceptions {
		t.rows = append(t.rows, []any{
			e.Seq, e.At, string(e.Deed), string(e.Outcome), e.Reason, e.OrderKey, e.LineCode, e.LineName,
			e.By.Username, e.By.FullName, e.By.Station, e.Message, e.Comment,
		})
	}
	return t
}

// signaturesTable has all signatures of the shift: a readable form of a signed record has them with it.
func signaturesTable(signed []packaging.ReportedSignature) table {
	t := table{"signatures", []string{
		"signed", "record", "version", "order_id", "place", "meaning", "username", "full_name", "role", "station", "factor",
		"words", "content", "hash",
	}, nil}
	for _, s := range signed {
		var version any
		if s.Version > 0 {
			version = int64(s.Version)
		}
		t.rows = append(t.rows, []any{
			s.At, s.Kind, version, s.OrderKey, int64(s.Place), s.Meaning, s.By.Username, s.By.FullName, string(s.By.Role),
			s.By.Station, string(s.Factor), s.Words, hex.EncodeToString(s.Content[:]), hex.EncodeToString(s.Hash[:]),
		})
	}
	return t
}

// exportReport returns the tables of the report of the path for a file and the file's name without its ending, and
// records that it leaves the house.
func (s *Server) exportReport(c echo.Context, what string) (tables []table, name string, err error) {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	o, err := s.occurrence(c)
	if err != nil {
		return nil, "", err
	}
	r, err := s.Store.ShiftReport(ctx, p.Scope(), o)
	if err != nil {
		return nil, "", err
	}
	signed, err := s.Store.ShiftSignatures(ctx, p.Scope(), o)
	if err != nil {
		return nil, "", err
	}
	_, kind := web.FileName(c)
	if err := s.Store.Record(ctx, packaging.Entry{
		TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.Exported,
		Object: packaging.SaysExport.Of(what+"."+kind, o.Day, o.Name), New: c.QueryString(),
	}); err != nil {
		return nil, "", err
	}
	name = strings.Map(func(r rune) rune { // what a header and a file system take
		if r > 0x7e || r <= ' ' || strings.ContainsRune(`"\/:*?<>|`, r) {
			return '-'
		}
		return r
	}, fmt.Sprintf("%s-shift-%s-%s-%s", p.Tenant.Slug, o.Day, o.Name, what))
	return reportTables(r, signed), name, nil
}

// ReportCSV gives one table of the report. Times are of the site, with their offset.
func (s *Server) ReportCSV(c echo.Context) error {
	table := c.QueryParam("table")
	if table == "" {
		table = view.ReportTables[0]
	}
	if !slices.Contains(view.ReportTables, table) {
		return packaging.Fail(packaging.NotFound, "error.not_found")
	}
	tables, name, err := s.exportReport(c, table)
	if err != nil {
		return err
	}
	t := tables[slices.Index(view.ReportTables, table)]
	return s.SendTable(c, name, t.columns, func(write func(...string) error) error {
		for _, row := range t.rows {
			if err := write(csvCells(row, web.SignedIn(c).Tenant.Location())...); err != nil {
				return err
			}
		}
		return nil
	})
}

// csvCells returns a row as a CSV file has it.
func csvCells(row []any, site *time.Location) []string {
	out := make([]string, len(row))
	for i, value := range row {
		switch v := value.(type) {
		case string:
			out[i] = web.Cell(v)
		case int64:
			out[i] = fmt.Sprint(v)
		case time.Time:
			out[i] = siteTime(v, site)
		}
	}
	return out
}

func siteTime(t time.Time, site *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(site).Format("2006-01-02T15:04:05.000-07:00")
}

// ReportXLSX gives all tables of the report, a sheet each. Numbers are numbers; times are texts, since a spreadsheet
// has no offsets, and would show another hour than the site's.
func (s *Server) ReportXLSX(c echo.Context) error {
	tables, name, err := s.exportReport(c, "all")
	if err != nil {
		return err
	}
	return s.SendWorkbook(c, name, func(book *web.Workbook) error {
		for _, t := range tables {
			if err := book.Sheet(t.name, t.columns...); err != nil {
				return err
			}
			for _, row := range t.rows {
				if err := book.Row(xlsxCells(row, web.SignedIn(c).Tenant.Location())...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// xlsxCells returns a row as a workbook has it.
func xlsxCells(row []any, site *time.Location) []any {
	cells := make([]any, len(row))
	for i, value := range row {
		switch v := value.(type) {
		case string:
			cells[i] = web.Cell(v)
		case time.Time:
			cells[i] = siteTime(v, site)
		default:
			cells[i] = v
		}
	}
	return cells
}
