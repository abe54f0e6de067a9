package handlers

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	importviews "lineboard/views/imports"
	"lineboard/views/shell"
)

// ImportStore brings orders in from files.
type ImportStore interface {
	CheckImport(ctx context.Context, by packaging.Person, rows []packaging.ImportRow, see func(packaging.ImportedOrder)) (packaging.ImportSum, error)
	Import(ctx context.Context, by packaging.Person, fileName string, rows []packaging.ImportRow, shown *packaging.ShownImport) (packaging.Import, error)
	KeepPreview(ctx context.Context, p packaging.Person, f packaging.ImportFile, lasting time.Duration) (packaging.PreviewID, error)
	Preview(ctx context.Context, p packaging.Person, id packaging.PreviewID) (packaging.ImportFile, error)
	Imports(ctx context.Context, in packaging.Scope, limit int) ([]packaging.Import, error)
	ImportOf(ctx context.Context, in packaging.Scope, id packaging.ImportID) (packaging.Import, error)
	ImportedOrders(ctx context.Context, in packaging.Scope, id packaging.ImportID, after packaging.OrderID, limit int) (packaging.ImportedPage, error)
	ImportedFacts(ctx context.Context, in packaging.Scope, id packaging.OrderID) ([]packaging.ImportedFact, error)
}

const (
	importPath    = "/imports"
	previewLasts  = 15 * time.Minute
	recentImports = 10
	importedAPage = 100
	fileNameMost  = 100 // characters
)

func (s *server) imports(c echo.Context) error {
	return s.showImport(c, http.StatusOK, importviews.ImportPage{})
}

func (s *server) showImport(c echo.Context, status int, page importviews.ImportPage) error {
	f, err := s.frame(c, "orders", text.Say(pageContext(c), "import.title"))
	if err != nil {
		return err
	}
	if page.Recent, err = s.Store.Imports(c.Request().Context(), f.Person.Scope(), recentImports); err != nil {
		return err
	}
	return render(c, status, importviews.Import(f, page))
}

// checkImport shows what a file would do. One without faults is kept for the person, to be applied as it was shown.
func (s *server) checkImport(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	file, err := givenFile(c)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return s.showImport(c, http.StatusRequestEntityTooLarge, importviews.ImportPage{
			Problem: importviews.FaultText(pageContext(c), packaging.ImportFault{Code: packaging.FaultTooLarge}),
		})
	}
	if err != nil {
		return err
	}
	if strings.TrimSpace(file.Content) == "" {
		return s.showImport(c, http.StatusUnprocessableEntity, importviews.ImportPage{Problem: text.Say(ctx, "import.nothing_given")})
	}
	preview, err := s.preview(ctx, p, file)
	if err != nil {
		return err
	}
	if preview.Sum.Faults.Count > 0 {
		return s.showPreview(c, http.StatusUnprocessableEntity, preview)
	}
	id, err := s.Store.KeepPreview(ctx, p, file, previewLasts)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.PreviewURL(id)))
}

// givenFile is the file of the form, or what was pasted where there is none.
func givenFile(c echo.Context) (f packaging.ImportFile, err error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, orderfile.MaxBytes+1<<20) // with what a form puts around it
	// Asked first: later readers of the form keep such an error to themselves.
	if err := r.ParseForm(); err != nil {
		return f, badForm(err)
	}
	header, err := c.FormFile("file")
	switch {
	case errors.Is(err, http.ErrMissingFile), errors.Is(err, http.ErrNotMultipart), err == nil && header.Size == 0:
		f.Name = text.Say(r.Context(), "import.pasted")
		f.Content = c.FormValue("orders")
		return f, nil
	case err != nil:
		return f, badForm(err)
	}
	f.Name = sentName(header.Filename)
	f.Content, err = readAll(header)
	return f, err
}

// badForm is what was sent that is no form, unless it was too large to be read.
func badForm(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
}

// sentName is how a file is called on pages and in the history: without folders, in one line.
func sentName(sent string) string {
	name := []rune(path.Base(strings.ReplaceAll(strings.ToValidUTF8(sent, "�"), `\`, "/")))
	name = slices.DeleteFunc(name, func(r rune) bool { return !packaging.Printable(string(r)) })
	if len(name) == 0 {
		return "file"
	}
	return string(name[:min(len(name), fileNameMost)])
}

// preview says what a file would do now.
func (s *server) preview(ctx context.Context, p packaging.Person, file packaging.ImportFile) (importviews.ImportPreview, error) {
	preview := importviews.ImportPreview{File: file}
	rows, faults, err := orderfile.Read(strings.NewReader(file.Content), orderfile.FormatOf(file.Content))
	if err != nil {
		return preview, err
	}
	keep := func(list *[]packaging.ImportedOrder, o packaging.ImportedOrder) {
		if len(*list) < importviews.ImportShown {
			*list = append(*list, o)
		}
	}
	preview.Sum, err = s.Store.CheckImport(ctx, p, rows, func(o packaging.ImportedOrder) {
		switch {
		case o.New:
			keep(&preview.New, o)
		case len(o.Changes) > 0:
			keep(&preview.Changed, o)
		default:
			keep(&preview.Same, o)
		}
	})
	preview.Sum.Faults = faults.Join(preview.Sum.Faults)
	return preview, err
}

func (s *server) showPreview(c echo.Context, status int, preview importviews.ImportPreview) error {
	f, err := s.frame(c, "orders", text.Say(pageContext(c), "import.preview"))
	if err != nil {
		return err
	}
	return render(c, status, importviews.Preview(f, preview))
}

// previewPage shows the kept file of the path again, as it would be imported now.
func (s *server) previewPage(c echo.Context) error {
	file, err := s.keptFile(c)
	if err != nil {
		return err
	}
	preview, err := s.preview(c.Request().Context(), signedIn(c), file)
	if err != nil {
		return err
	}
	return s.showPreview(c, http.StatusOK, preview)
}

func (s *server) keptFile(c echo.Context) (packaging.ImportFile, error) {
	id, err := pathNumber(c)
	if err != nil {
		return packaging.ImportFile{}, err
	}
	return s.Store.Preview(c.Request().Context(), signedIn(c), packaging.PreviewID(id))
}

// applyImport imports the kept file of the path, if that still does what the person saw.
func (s *server) applyImport(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
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
	rows, faults, err := orderfile.Read(strings.NewReader(file.Content), orderfile.FormatOf(file.Content))
	if err != nil || faults.Count > 0 { // it was read without a fault when it was kept
		return errors.Join(err, errors.New("a kept file can't be read any more"))
	}
	done, err := s.Store.Import(ctx, p, file.Name, rows, &shown)
	if code := packaging.CodeOf(err); code == packaging.Conflict || code == packaging.Invalid {
		preview, err := s.preview(ctx, p, file)
		if err != nil {
			return err
		}
		preview.Notice = text.Say(ctx, "import.orders_changed")
		return s.showPreview(c, http.StatusConflict, preview)
	}
	if err != nil {
		return err
	}
	if done.ID == 0 {
		return c.Redirect(http.StatusSeeOther, string(shell.ImportURL()))
	}
	return c.Redirect(http.StatusSeeOther, string(shell.ImportDoneURL(done.ID, 0)))
}

// imported shows what an import did.
func (s *server) imported(c echo.Context) error {
	ctx, in := c.Request().Context(), signedIn(c).Scope()
	id, err := pathNumber(c)
	if err != nil {
		return err
	}
	after, err := position(c, "after")
	if err != nil {
		return err
	}
	var done importviews.ImportDone
	if done.Import, err = s.Store.ImportOf(ctx, in, packaging.ImportID(id)); err != nil {
		return err
	}
	if done.Page, err = s.Store.ImportedOrders(ctx, in, done.Import.ID, packaging.OrderID(after), importedAPage); err != nil {
		return err
	}
	f, err := s.frame(c, "orders", text.Say(pageContext(c), "import.done"))
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, importviews.Imported(f, done))
}

// columnNames is the first row of a file.
func columnNames() []string {
	var names []string
	for _, field := range packaging.ImportFields {
		names = append(names, string(field))
	}
	return names
}

// importTemplate is a file with the names of the columns and one order, to be filled in.
func (s *server) importTemplate(c echo.Context) error {
	lines, err := s.Store.Lines(c.Request().Context(), signedIn(c).Scope())
	if err != nil {
		return err
	}
	line := ""
	if len(lines) > 0 {
		line = lines[0].Code
	}
	return s.stream(c, "orders-template.csv", func(w io.Writer) error {
		rows := newCSV(w)
		if err := rows.row(columnNames()...); err != nil {
			return err
		}
		expiry := s.Now().AddDate(2, 0, 0).Format(time.DateOnly)
		if err := rows.row("Order143", line, "Paracetamol 500 mg", "09506000134352", "ABC123", expiry, "12000", "2.5"); err != nil {
			return err
		}
		return rows.Flush()
	})
}

// ordersCSV streams the orders that are not Done, in the form in which they can be imported.
func (s *server) ordersCSV(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	if err := s.Store.Record(ctx, packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.Exported, Object: "orders.csv"}); err != nil {
		return err
	}
	return s.stream(c, p.Tenant.Slug+"-orders.csv", func(w io.Writer) error {
		rows := newCSV(w)
		if err := rows.row(columnNames()...); err != nil {
			return err
		}
		for f := (packaging.OrderFilter{Limit: 1000}); ; {
			page, err := s.Store.SearchOrders(ctx, p.Scope(), f)
			if err != nil {
				return err
			}
			for _, o := range page.Orders {
				if o.Status == packaging.Done || o.Gone {
					continue
				}
				if err := rows.row(orderRow(o)...); err != nil {
					return err
				}
			}
			if f.Before = page.Next; f.Before == 0 {
				return rows.Flush()
			}
		}
	})
}

func orderRow(o packaging.Order) []string {
	o.LineCode = o.Line.Code // a line that is not set up here can't be imported; an empty cell says nothing
	var row []string
	for _, field := range packaging.ImportFields {
		row = append(row, cell(*o.Field(field)))
	}
	return row
}

// pathNumber is a key of ours in the path. What is none names nothing.
func pathNumber(c echo.Context) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return id, nil
}
