package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// Programs know neither sessions nor cookies: a token in each request says who sends it. They get errors as RFC 9457
// has them.

// The rates of requests with one token.
const (
	TokenInterval = 2 * time.Second // of what writes, after the first ones
	writeBurst    = 10
	readInterval  = 50 * time.Millisecond
	readBurst     = 60
)

// tokenRates are the rates of the tokens that were used.
type tokenRates struct {
	every time.Duration
	burst int

	mu sync.Mutex
	of map[packaging.TokenID]*rate.Limiter
}

// take returns how long a token must wait before its next request, none where it may send it now, and how many more it
// may send at once.
func (l *tokenRates) take(id packaging.TokenID, now time.Time) (wait time.Duration, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[packaging.TokenID]*rate.Limiter{}
	}
	limiter, ok := l.of[id]
	if !ok {
		limiter = rate.NewLimiter(rate.Every(l.every), l.burst)
		l.of[id] = limiter
	}
	reserved := limiter.ReserveN(now, 1)
	if wait = reserved.DelayFrom(now); wait > 0 {
		reserved.CancelAt(now)
	}
	return wait, max(0, int(limiter.TokensAt(now)))
}

// Problem is an error as programs get it (RFC 9457).
type Problem struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Code   string        `json:"code"`
	Count  int           `json:"error_count,omitempty"`
	Errors []ProblemPart `json:"errors,omitempty"`
	Asked  int           `json:"question_count,omitempty"`
	Asks   []ProblemPart `json:"questions,omitempty"`

	Wait time.Duration `json:"-"` // with 429
}

// ProblemPart is one of several things that are wrong.
type ProblemPart struct {
	Row      int    `json:"row,omitempty"`
	Field    string `json:"field,omitempty"`
	Code     string `json:"code"`
	Value    string `json:"value,omitempty"`
	Expected string `json:"expected"`
}

func (p *Problem) Error() string { return p.Code }

// ProblemOf returns a problem. Its code is also the end of its sentence's key.
func ProblemOf(ctx context.Context, status int, code string) *Problem {
	return &Problem{
		Type: "urn:lineboard:problem:" + code, Title: http.StatusText(status), Status: status,
		Detail: text.Say(ctx, "api."+code), Code: code,
	}
}

// Program returns who the token of a request stands for. The error is a [Problem] if there is no token that counts, if
// it has none of the scopes, or if it asks too often.
func (s *Kit) Program(c echo.Context, scopes ...packaging.TokenScope) (p packaging.Person, err error) {
	ctx := c.Request().Context()
	scheme, value, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(value, TokenPrefix) {
		return p, ProblemOf(ctx, http.StatusUnauthorized, "unauthorized")
	}
	k, tenant, err := s.store.TokenOf(ctx, sha256.Sum256([]byte(value)))
	now := s.Now()
	if packaging.CodeOf(err) == packaging.NotFound || err == nil && k.Ended(now) {
		return p, ProblemOf(ctx, http.StatusUnauthorized, "unauthorized")
	}
	if err != nil {
		return p, err
	}
	if err := s.pace(c, k.ID, now); err != nil {
		return p, err
	}
	if now.Sub(k.Used) >= TouchInterval {
		// Who reads needs nothing written. With a full disk, of which the readiness probe tells, a line still gets its
		// list.
		if err := s.store.TouchToken(ctx, k.ID); err != nil && !reads(c) {
			return p, err
		}
	}
	if !k.Has(scopes...) {
		return p, ProblemOf(ctx, http.StatusForbidden, "not_in_scope")
	}
	p = packaging.Person{Author: k.Author(), Tenant: tenant, Token: k.ID}
	for _, l := range k.Lines {
		p.Lines = append(p.Lines, l.ID)
	}
	return p, nil
}

func reads(c echo.Context) bool {
	return c.Request().Method == http.MethodGet || c.Request().Method == http.MethodHead
}

// pace counts a request of a token, says in the answer how many more may come, and fails if it came too soon.
func (s *Kit) pace(c echo.Context, id packaging.TokenID, now time.Time) error {
	rates := &s.programWrites
	if reads(c) {
		rates = &s.programReads
	}
	wait, left := rates.take(id, now)
	h := c.Response().Header()
	h.Set("RateLimit-Limit", strconv.Itoa(rates.burst))
	h.Set("RateLimit-Remaining", strconv.Itoa(left))
	h.Set("RateLimit-Reset", seconds(max(wait, time.Duration(rates.burst-left)*rates.every)))
	if wait > 0 {
		problem := ProblemOf(c.Request().Context(), http.StatusTooManyRequests, "too_many_requests")
		problem.Wait = wait
		return problem
	}
	return nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// FailProgram answers a program's request that ended in an error.
func (s *Kit) FailProgram(err error, c echo.Context) {
	if c.Response().Committed || errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return
	}
	problem := problemFor(c.Request().Context(), err)
	h := c.Response().Header()
	switch problem.Status {
	case http.StatusForbidden:
		s.SecurityEvent(ForbiddenEvent, c.RealIP())
	case http.StatusUnauthorized:
		if c.Request().Header.Get(echo.HeaderAuthorization) != "" {
			s.SecurityEvent(WrongTokenEvent, c.RealIP())
		}
		h.Set(echo.HeaderWWWAuthenticate, `Bearer realm="lineboard"`)
	case http.StatusTooManyRequests:
		h.Set(echo.HeaderRetryAfter, seconds(problem.Wait))
	}
	if problem.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(
			c.Request().Context(), "request failed", "path", c.Request().URL.Path, "status", problem.Status, "err", err,
		)
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

// programErrors are the problems of the store's errors for programs, by their keys. Others go by their code.
const programErrors = "api."

func problemFor(ctx context.Context, err error) *Problem {
	var told *Problem
	if errors.As(err, &told) {
		return told
	}
	var framework *echo.HTTPError
	if errors.As(err, &framework) {
		switch framework.Code {
		case http.StatusNotFound:
			return ProblemOf(ctx, framework.Code, "not_found")
		case http.StatusMethodNotAllowed:
			return ProblemOf(ctx, framework.Code, "method")
		case http.StatusRequestEntityTooLarge:
			return ProblemOf(ctx, framework.Code, "body_too_large")
		}
	}
	var ours *packaging.Error
	if code, is := "", errors.As(err, &ours); is {
		if code, is = strings.CutPrefix(ours.Key, programErrors); is {
			return ProblemOf(ctx, StatusOf(err), code)
		}
	}
	switch packaging.CodeOf(err) {
	case packaging.NotFound:
		return ProblemOf(ctx, http.StatusNotFound, "not_found")
	case packaging.Invalid:
		return ProblemOf(ctx, http.StatusUnprocessableEntity, "invalid")
	case packaging.Forbidden: // the token has ended meanwhile
		return ProblemOf(ctx, http.StatusUnauthorized, "unauthorized")
	case packaging.Unavailable:
		return ProblemOf(ctx, http.StatusServiceUnavailable, "unavailable")
	}
	return ProblemOf(ctx, http.StatusInternalServerError, "internal")
}

// LimitPrograms holds programs to what holds for browsers: so many requests of an address, and none by plain HTTP
// where that is not how the server is reached.
func (s *Kit) LimitPrograms(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !s.AllowsRequest(r) {
			problem := ProblemOf(r.Context(), http.StatusTooManyRequests, "too_many_requests")
			problem.Wait = TokenInterval
			return problem
		}
		if s.CameByPlainHTTP(r) {
			return ProblemOf(r.Context(), http.StatusForbidden, "plain_http")
		}
		return next(c)
	}
}
