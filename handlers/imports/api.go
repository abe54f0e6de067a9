package imports

import (
	"context"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	view "lineboard/views/imports"
	"lineboard/views/shell"
)

// tokenInterval is how soon a program that must wait may try again.
const tokenInterval = web.TokenInterval

// rowProblem tells what is wrong with the rows.
func rowProblem(ctx context.Context, status int, code string, faults packaging.ImportFaults) *web.Problem {
	p := web.ProblemOf(ctx, status, code)
	p.Count, p.Errors = faults.Count, apiFaults(ctx, faults)
	return p
}

// questionProblem tells what a program must confirm.
func questionProblem(ctx context.Context, questions packaging.ImportFaults) *web.Problem {
	p := web.ProblemOf(ctx, http.StatusUnprocessableEntity, "questions")
	p.Asked, p.Asks = questions.Count, apiFaults(ctx, questions)
	return p
}

func apiFaults(ctx context.Context, faults packaging.ImportFaults) (all []web.ProblemPart) {
	for _, f := range faults.First {
		all = append(all, web.ProblemPart{
			Row: f.Row, Field: string(f.Field), Code: string(f.Code), Value: f.Value, Expected: view.FaultText(ctx, f),
		})
	}
	return all
}

// importAnswer is what an import came to.
type importAnswer struct {
	Import    packaging.ImportID `json:"import,omitempty"`
	New       int                `json:"new"`
	Changed   int                `json:"changed"`
	Unchanged int                `json:"unchanged"`
}

// PutOrders imports a list of orders, all of it or nothing. The same list again changes nothing.
func (s *Server) PutOrders(c echo.Context) error {
	ctx := c.Request().Context()
	by, err := s.Program(c, packaging.SendOrdersScope)
	if err != nil {
		return err
	}
	format, ok := bodyFormat(c.Request().Header)
	if !ok {
		return web.ProblemOf(ctx, http.StatusUnsupportedMediaType, "unsupported_type")
	}
	leave, ok := s.enter(by.Tenant.ID)
	if !ok {
		problem := web.ProblemOf(ctx, http.StatusTooManyRequests, "import_busy")
		problem.Wait = tokenInterval
		return problem
	}
	defer leave()
	content, err := orderfile.Read(c.Request().Body, format)
	faults := content.Faults
	if err != nil {
		return rowProblem(ctx, http.StatusUnprocessableEntity, "unreadable", faults)
	}
	for _, f := range faults.First {
		if f.Code == packaging.FaultTooLarge || f.Code == packaging.FaultTooManyRows {
			return rowProblem(ctx, http.StatusRequestEntityTooLarge, "too_large", faults)
		}
	}
	if faults.Count > 0 {
		// What the orders themselves stand against is told with it.
		sum, err := s.Store.CheckImport(
			ctx, by, packaging.ImportRequest{Rows: content.Rows}, func(packaging.ImportedOrder) {},
		)
		if err != nil {
			return err
		}
		return rowProblem(ctx, http.StatusUnprocessableEntity, "invalid_rows", faults.Join(sum.Faults))
	}
	done, err := s.Store.Import(ctx, by, packaging.ImportRequest{
		FileName: "PUT " + string(shell.PutOrdersURL()), Rows: content.Rows, Questions: content.Questions,
		Confirmed: c.QueryParam("confirm") == "true",
	})
	switch {
	case done.Faults.Forbidden():
		return rowProblem(ctx, http.StatusForbidden, "forbidden_rows", done.Faults)
	case packaging.CodeOf(err) == packaging.Invalid && done.Faults.Count == 0:
		return questionProblem(ctx, done.Questions)
	case packaging.CodeOf(err) == packaging.Invalid:
		return rowProblem(ctx, http.StatusUnprocessableEntity, "invalid_rows", done.Faults)
	case packaging.CodeOf(err) == packaging.Forbidden: // the token has ended while the list came
		return web.ProblemOf(ctx, http.StatusUnauthorized, "unauthorized")
	case err != nil:
		return err
	}
	return c.JSON(http.StatusOK, importAnswer{done.ID, done.New, done.Changed, done.Unchanged})
}

// bodyFormat is how a body is written, where it is written as we read it.
func bodyFormat(h http.Header) (orderfile.Format, bool) {
	if coding := h.Get(echo.HeaderContentEncoding); coding != "" && !strings.EqualFold(coding, "identity") {
		return "", false
	}
	media, _, err := mime.ParseMediaType(h.Get(echo.HeaderContentType))
	switch {
	case err != nil:
		return "", false
	case media == "application/json":
		return orderfile.JSON, true
	case media == "text/csv":
		return orderfile.CSV, true
	case media == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
		return orderfile.XLSX, true
	}
	return "", false
}
