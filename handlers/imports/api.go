package imports

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"lineboard/handlers/web"
	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/imports"
	"lineboard/views/shell"
)

// The interface for programs knows neither sessions nor cookies: a token in each request says who sends it.

//go:embed openapi.yaml
var openAPI []byte

// Description gives the description of the interface (OpenAPI).
func (s *Server) Description(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", openAPI)
}

// The rate of requests with one token.
const (
	tokenInterval = 2 * time.Second
	tokenBurst    = 10
)

// limiters are the rates of the tokens that were used.
type limiters struct {
	mu sync.Mutex
	of map[packaging.TokenID]*rate.Limiter
}

// wait is how long a token must wait before its next request, none where it may send it now.
func (l *limiters) wait(id packaging.TokenID, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.of[id]
	if !ok {
		limiter = rate.NewLimiter(rate.Every(tokenInterval), tokenBurst)
		l.of[id] = limiter
	}
	reserved := limiter.ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// apiProblem is an error as programs get it (RFC 9457).
type apiProblem struct {
	Type   string     `json:"type"`
	Title  string     `json:"title"`
	Status int        `json:"status"`
	Detail string     `json:"detail"`
	Code   string     `json:"code"`
	Count  int        `json:"error_count,omitempty"`
	Errors []apiFault `json:"errors,omitempty"`
	Asked  int        `json:"question_count,omitempty"`
	Asks   []apiFault `json:"questions,omitempty"`

	wait  time.Duration // with 429
	cause error
}

type apiFault struct {
	Row      int    `json:"row,omitempty"`
	Field    string `json:"field,omitempty"`
	Code     string `json:"code"`
	Value    string `json:"value,omitempty"`
	Expected string `json:"expected"`
}

func (p *apiProblem) Error() string { return p.Code }

func (p *apiProblem) Unwrap() error { return p.cause }

// The problems. The code is also the end of the sentence's key.
func problemOf(ctx context.Context, status int, code string) *apiProblem {
	return &apiProblem{
		Type: "urn:lineboard:problem:" + code, Title: http.StatusText(status), Status: status,
		Detail: text.Say(ctx, "api."+code), Code: code,
	}
}

// rowProblem tells what is wrong with the rows.
func rowProblem(ctx context.Context, status int, code string, faults packaging.ImportFaults) *apiProblem {
	p := problemOf(ctx, status, code)
	p.Count, p.Errors = faults.Count, apiFaults(ctx, faults)
	return p
}

// questionProblem tells what a program must confirm.
func questionProblem(ctx context.Context, questions packaging.ImportFaults) *apiProblem {
	p := problemOf(ctx, http.StatusUnprocessableEntity, "questions")
	p.Asked, p.Asks = questions.Count, apiFaults(ctx, questions)
	return p
}

func apiFaults(ctx context.Context, faults packaging.ImportFaults) (all []apiFault) {
	for _, f := range faults.First {
		all = append(all, apiFault{f.Row, string(f.Field), string(f.Code), f.Value, view.FaultText(ctx, f)})
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

// tokenHolder is who a token of a request stands for.
func (s *Server) tokenHolder(c echo.Context) (p packaging.Person, err error) {
	ctx := c.Request().Context()
	scheme, value, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(value, web.TokenPrefix) {
		return p, problemOf(ctx, http.StatusUnauthorized, "unauthorized")
	}
	k, tenant, err := s.Store.TokenOf(ctx, sha256.Sum256([]byte(value)))
	now := s.Now()
	if packaging.CodeOf(err) == packaging.NotFound || err == nil && k.Ended(now) {
		return p, problemOf(ctx, http.StatusUnauthorized, "unauthorized")
	}
	if err != nil {
		return p, err
	}
	if wait := s.rates.wait(k.ID, now); wait > 0 {
		problem := problemOf(ctx, http.StatusTooManyRequests, "too_many_requests")
		problem.wait = wait
		return p, problem
	}
	if now.Sub(k.Used) >= web.TouchInterval {
		if err := s.Store.TouchToken(ctx, k.ID); err != nil {
			return p, err
		}
	}
	p = packaging.Person{Author: k.Author(), Tenant: tenant, Token: k.ID}
	for _, l := range k.Lines {
		p.Lines = append(p.Lines, l.ID)
	}
	return p, nil
}

// PutOrders imports a list of orders, all of it or nothing. The same list again changes nothing.
func (s *Server) PutOrders(c echo.Context) error {
	ctx := c.Request().Context()
	by, err := s.tokenHolder(c)
	if err != nil {
		return err
	}
	format, ok := bodyFormat(c.Request().Header)
	if !ok {
		return problemOf(ctx, http.StatusUnsupportedMediaType, "unsupported_type")
	}
	leave, ok := s.enter(by.Tenant.ID)
	if !ok {
		problem := problemOf(ctx, http.StatusTooManyRequests, "import_busy")
		problem.wait = tokenInterval
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
		return problemOf(ctx, http.StatusUnauthorized, "unauthorized")
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

// FailAPI answers a program's request that ended in an error.
func (s *Server) FailAPI(err error, c echo.Context) {
	if c.Response().Committed || errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return
	}
	problem := apiProblemOf(c.Request().Context(), err)
	h := c.Response().Header()
	switch problem.Status {
	case http.StatusForbidden:
		s.SecurityEvent(web.ForbiddenEvent, c.RealIP())
	case http.StatusUnauthorized:
		if c.Request().Header.Get(echo.HeaderAuthorization) != "" {
			s.SecurityEvent(web.WrongTokenEvent, c.RealIP())
		}
		h.Set(echo.HeaderWWWAuthenticate, `Bearer realm="lineboard"`)
	case http.StatusTooManyRequests:
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(problem.wait.Seconds()))))
	}
	if problem.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(c.Request().Context(), "request failed", "path", c.Request().URL.Path, "status", problem.Status, "err", err)
	}
	body, err := json.Marshal(problem)
	if err == nil {
		h.Set(echo.HeaderCacheControl, "no-store")
		err = c.Blob(problem.Status, "application/problem+json", body)
	}
	if err != nil {
		s.Log.Warn("error not sent", "err", err)
	}
}

func apiProblemOf(ctx context.Context, err error) *apiProblem {
	var told *apiProblem
	if errors.As(err, &told) {
		return told
	}
	var ours *echo.HTTPError
	if errors.As(err, &ours) {
		switch ours.Code {
		case http.StatusNotFound:
			return problemOf(ctx, ours.Code, "not_found")
		case http.StatusMethodNotAllowed:
			return problemOf(ctx, ours.Code, "method")
		}
	}
	if packaging.CodeOf(err) == packaging.Unavailable {
		return problemOf(ctx, http.StatusServiceUnavailable, "unavailable")
	}
	return problemOf(ctx, http.StatusInternalServerError, "internal")
}

// LimitPrograms holds programs to what holds for browsers: so many requests of an address, and none by plain HTTP
// where that is not how the server is reached.
func (s *Server) LimitPrograms(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !s.AllowsRequest(r) {
			problem := problemOf(r.Context(), http.StatusTooManyRequests, "too_many_requests")
			problem.wait = tokenInterval
			return problem
		}
		if s.CameByPlainHTTP(r) {
			return problemOf(r.Context(), http.StatusForbidden, "plain_http")
		}
		return next(c)
	}
}
