// Package programs serves what programs ask for: serial lists that wait for them, orders, and the history. A token in
// each request says who asks, and what they may.
package programs

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
)

//go:embed openapi.yaml
var openAPI []byte

// Server serves programs.
type Server struct {
	*web.Kit
	Store   Store
	Clients Clients
}

// Clients are those of the remote API.
type Clients interface {
	// Down says whether the API does not answer a tenant's calls at the moment, and since when.
	Down(tenant packaging.TenantID) (since time.Time, down bool)
}

// Store is what programs read and write.
type Store interface {
	OpenDelivery(ctx context.Context, in packaging.Scope, uid string) (packaging.Delivery, error)
	EachListed(ctx context.Context, v packaging.Delivery, do func(packaging.Serial) error) error
	EarlierReleases(ctx context.Context, in packaging.Scope, id packaging.OrderID) ([]packaging.Release, error)
	Freshness(ctx context.Context, tenant packaging.TenantID) (packaging.Freshness, error)
	HistoryAfter(ctx context.Context, in packaging.Scope, after int64, limit int) ([]packaging.Entry, error)
	LateDeliveries(ctx context.Context, in packaging.Scope) ([]packaging.Delivery, error)
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	Offers(
		ctx context.Context, in packaging.Scope, destinations []packaging.DestinationID, cursor string, all bool, limit int,
	) ([]packaging.Offer, error)
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
	OrdersAfter(
		ctx context.Context, in packaging.Scope, f packaging.OrderFilter, after packaging.OrderID, limit int,
	) ([]packaging.Order, error)
	PullDestinations(ctx context.Context, in packaging.Scope) ([]packaging.Destination, error)
	TakeDelivery(ctx context.Context, by packaging.Person, v packaging.Delivery) error
	UnknownOutcomes(ctx context.Context, in packaging.Scope) (n int, oldest time.Time, err error)
}

// Description gives the description of the interface (OpenAPI).
func (s *Server) Description(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", openAPI)
}

// How many rows an answer has, unless the program says otherwise.
const (
	defaultLimit = 100
	maxLimit     = 1_000
)

// limit returns how many rows are asked for.
func limit(c echo.Context) (int, error) {
	if c.QueryParam("limit") == "" {
		return defaultLimit, nil
	}
	n, err := web.QueryNumber(c, "limit")
	if err != nil || n < 1 || n > maxLimit {
		return 0, web.ProblemOf(c.Request().Context(), http.StatusBadRequest, "bad_limit")
	}
	return int(n), nil
}

// after returns the number that the cursor of a query has, 0 for none.
func after(c echo.Context) (int64, error) {
	n, err := web.QueryNumber(c, "after")
	if err != nil {
		return 0, web.ProblemOf(c.Request().Context(), http.StatusBadRequest, "bad_cursor")
	}
	return n, nil
}

// line returns the line that a query names, and false if it names none. The error is a problem if there is no such line
// for the token.
func (s *Server) line(c echo.Context, by packaging.Person) (packaging.Line, bool, error) {
	code := c.QueryParam("line")
	if code == "" {
		return packaging.Line{}, false, nil
	}
	ctx := c.Request().Context()
	lines, err := s.Store.Lines(ctx, by.Scope())
	if err != nil {
		return packaging.Line{}, false, err
	}
	at := slices.IndexFunc(lines, func(l packaging.Line) bool { return strings.EqualFold(l.Code, code) })
	if at < 0 {
		return packaging.Line{}, false, web.ProblemOf(ctx, http.StatusNotFound, "no_line")
	}
	return lines[at], true, nil
}

// send answers with JSON that has an ETag, or with 304 if the program has the same already.
func send(c echo.Context, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if unchanged(c, fmt.Sprintf(`"%x"`, sum[:16])) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSONBlob(http.StatusOK, body)
}

// unchanged gives the answer its ETag, and reports whether the program has the same already.
func unchanged(c echo.Context, etag string) bool {
	h := c.Response().Header()
	h.Set("ETag", etag)
	h.Set(echo.HeaderCacheControl, "private, no-cache")
	for known := range strings.SplitSeq(c.Request().Header.Get("If-None-Match"), ",") {
		if known = strings.TrimPrefix(strings.TrimSpace(known), "W/"); known == etag || known == "*" {
			return true
		}
	}
	return false
}

// instant returns a time as programs get it, and nil for none.
func instant(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	said := at.UTC().Format("2006-01-02T15:04:05.000Z")
	return &said
}

// next returns the cursor of the last row, and nil if there was none yet.
func next(last int64) *string {
	if last == 0 {
		return nil
	}
	said := strconv.FormatInt(last, 10)
	return &said
}
