package imports

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/imports"
	"lineboard/views/shell"
)

const previewTTL = 15 * time.Minute

const recentImports = 10

const importedPerPage = 100

// Imports is where a file is given, with the latest imports.
func (s *Server) Imports(c echo.Context) error {
	return s.showImport(c, http.StatusOK, view.ImportPage{})
}

func (s *Server) showImport(c echo.Context, status int, page view.ImportPage) error {
	f, err := s.Frame(c, "orders", text.Say(c.Request().Context(), "import.title"))
	if err != nil {
		return err
	}
	if page.Recent, err = s.Store.Imports(c.Request().Context(), f.Person.Scope(), recentImports); err != nil {
		return err
	}
	return web.Render(c, status, view.Import(f, page))
}

// Check shows what a file would do. One without faults is kept for the person, to be applied as it was shown.
func (s *Server) Check(c echo.Context) error { return s.oneAtATime(s.check)(c) }

func (s *Server) check(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	file, faults, err := uploadedFile(c)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return s.showImport(c, http.StatusRequestEntityTooLarge, view.ImportPage{
			Problem: view.FaultText(ctx, packaging.ImportFault{Code: packaging.FaultTooLarge}),
		})
	case errors.Is(err, errNothingGiven):
		return s.showImport(
			c, http.StatusUnprocessableEntity, view.ImportPage{Problem: text.Say(ctx, "import.nothing_given")},
		)
	case err != nil:
		return err
	}
	preview, err := s.preview(ctx, p, file)
	if err != nil {
		return err
	}
	if preview.Sum.Faults = faults.Join(preview.Sum.Faults); preview.Sum.Faults.Count > 0 {
		return s.showPreview(c, http.StatusUnprocessableEntity, preview)
	}
	id, err := s.Store.KeepPreview(ctx, p, file, previewTTL)
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.PreviewURL(id))
}

// preview says what a file would do now.
func (s *Server) preview(
	ctx context.Context, p packaging.Person, file packaging.ImportFile,
) (preview view.ImportPreview, err error) {
	preview.File = file
	keep := func(list *[]packaging.ImportedOrder, o packaging.ImportedOrder) {
		if len(*list) < view.ImportShown {
			*list = append(*list, o)
		}
	}
	ask := packaging.ImportRequest{Rows: file.Rows, Questions: file.Questions}
	preview.Sum, err = s.Store.CheckImport(ctx, p, ask, func(o packaging.ImportedOrder) {
		switch {
		case o.New:
			keep(&preview.New, o)
		case len(o.Changes) > 0:
			keep(&preview.Changed, o)
		default:
			keep(&preview.Same, o)
		}
	})
	return preview, err
}

func (s *Server) showPreview(c echo.Context, status int, preview view.ImportPreview) error {
	f, err := s.Frame(c, "orders", text.Say(c.Request().Context(), "import.preview"))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.Preview(f, preview))
}

// PreviewPage shows the kept file of the path again, as it would be imported now.
func (s *Server) PreviewPage(c echo.Context) error { return s.oneAtATime(s.previewPage)(c) }

func (s *Server) previewPage(c echo.Context) error {
	file, err := s.keptFile(c)
	if err != nil {
		return err
	}
	preview, err := s.preview(c.Request().Context(), web.SignedIn(c), file)
	if err != nil {
		return err
	}
	return s.showPreview(c, http.StatusOK, preview)
}

func (s *Server) keptFile(c echo.Context) (packaging.ImportFile, error) {
	id, err := web.PathID[packaging.PreviewID](c, "id")
	if err != nil {
		return packaging.ImportFile{}, err
	}
	return s.Store.Preview(c.Request().Context(), web.SignedIn(c), id)
}

// Apply imports the kept file of the path, if that still does what the person saw.
func (s *Server) Apply(c echo.Context) error { return s.oneAtATime(s.apply)(c) }

func (s *Server) apply(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	file, err := s.keptFile(c)
	if err != nil {
		return err
	}
	shown := packaging.ShownImport{Preview: file.ID}
	digest, err := hex.DecodeString(c.FormValue("digest"))
	if err != nil || len(digest) != len(shown.Digest) {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	shown.Digest = [32]byte(digest)
	done, err := s.Store.Import(ctx, p, packaging.ImportRequest{
		FileName: file.Name, Rows: file.Rows, Questions: file.Questions,
		Confirmed: c.FormValue("confirm") == "true", Shown: &shown,
	})
	if code := packaging.CodeOf(err); code == packaging.Conflict || code == packaging.Invalid {
		preview, err := s.preview(ctx, p, file)
		if err != nil {
			return err
		}
		status := http.StatusConflict
		preview.Notice = text.Say(ctx, "import.orders_changed")
		if code == packaging.Invalid && preview.Sum.Faults.Count == 0 {
			status = http.StatusUnprocessableEntity
			preview.Notice = text.Say(ctx, "import.confirm_first")
		}
		return s.showPreview(c, status, preview)
	}
	if err != nil {
		return err
	}
	if done.ID == 0 {
		return web.SeeOther(c, shell.ImportURL())
	}
	return web.SeeOther(c, shell.ImportDoneURL(done.ID, 0))
}

// Imported shows what an import did.
func (s *Server) Imported(c echo.Context) error { return s.showImported(c, http.StatusOK, "", nil) }

// GiveBack gives all values of an import back to the API, as far as they still count.
func (s *Server) GiveBack(c echo.Context) error { return s.oneAtATime(s.giveBack)(c) }

func (s *Server) giveBack(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	id, err := web.PathID[packaging.ImportID](c, "id")
	if err != nil {
		return err
	}
	if _, err := s.Store.ImportOf(ctx, p.Scope(), id); err != nil {
		return err
	}
	why, err := packaging.Words(c.FormValue("why"), packaging.MaxNote, true)
	if err != nil {
		return err
	}
	done, err := s.Store.GiveImportBack(ctx, p, id, why)
	if conflict := web.Conflict(ctx, err); conflict != "" {
		return s.showImported(c, http.StatusConflict, conflict, nil)
	}
	if err != nil {
		return err
	}
	return s.showImported(c, http.StatusOK, "", &done)
}

// showImported shows an import, with what became of giving it back.
func (s *Server) showImported(c echo.Context, status int, problem string, back *packaging.GivenBack) error {
	ctx, in := c.Request().Context(), web.SignedIn(c).Scope()
	id, err := web.PathID[packaging.ImportID](c, "id")
	if err != nil {
		return err
	}
	after, err := web.QueryNumber(c, "after")
	if err != nil {
		return err
	}
	done := view.ImportDone{Problem: problem, GivenBack: back}
	if done.Import, err = s.Store.ImportOf(ctx, in, id); err != nil {
		return err
	}
	done.Page, err = s.Store.ImportedOrders(ctx, in, done.Import.ID, packaging.OrderID(after), importedPerPage)
	if err != nil {
		return err
	}
	f, err := s.Frame(c, "orders", text.Say(c.Request().Context(), "import.done"))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.Imported(f, done))
}

// columnNames is the first row of a file.
func columnNames() []string {
	var names []string
	for _, field := range packaging.ImportFields {
		names = append(names, string(field))
	}
	return names
}

// Template is a file with the names of the columns and one order, to be filled in.
func (s *Server) Template(c echo.Context) error {
	lines, err := s.Store.Lines(c.Request().Context(), web.SignedIn(c).Scope())
	if err != nil {
		return err
	}
	line := ""
	if len(lines) > 0 {
		line = lines[0].Code
	}
	return s.SendTable(c, "orders-template", columnNames(), func(row func(...string) error) error {
		expiry := s.Now().AddDate(2, 0, 0).Format(time.DateOnly)
		return row(
			"Order143", web.Cell(line), "Paracetamol 500 mg", "09506000134352", "ABC123", expiry, "12000", decimal(c, "2.5"),
		)
	})
}

// decimal returns a number as the file has it: in CSV for people, their spreadsheet must not take it for a day.
func decimal(c echo.Context, value string) string {
	if _, kind := web.FileName(c); kind == "csv" && web.ForPeople(c) {
		return text.Decimal(c.Request().Context(), value)
	}
	return value
}

// PresentOrders sends the orders that are not Done, in the form in which they can be imported.
func (s *Server) PresentOrders(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	table, kind := web.FileName(c)
	if err := s.Store.Record(ctx, packaging.Entry{
		TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.Exported, Object: table + "." + kind,
	}); err != nil {
		return err
	}
	return s.SendTable(c, p.Tenant.Slug+"-orders", columnNames(), func(row func(...string) error) error {
		for f := (packaging.OrderFilter{Open: true, Limit: 1000}); ; {
			page, err := s.Store.SearchOrders(ctx, p.Scope(), f)
			if err != nil {
				return err
			}
			for _, o := range page.Orders {
				o.ExtraPercent = decimal(c, o.ExtraPercent)
				if err := row(orderRow(o)...); err != nil {
					return err
				}
			}
			if f.Before = page.Next; f.Before == 0 {
				return nil
			}
		}
	})
}

func orderRow(o packaging.Order) []string {
	o.LineCode = o.Line.Code // a line that is not set up here can't be imported; an empty cell says nothing
	var row []string
	for _, field := range packaging.ImportFields {
		row = append(row, web.Cell(*o.Field(field)))
	}
	return row
}
