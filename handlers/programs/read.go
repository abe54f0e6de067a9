package programs

import (
	"encoding/hex"
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
)

// lineRow is a packaging line.
type lineRow struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// Lines lists the lines that the token is for.
func (s *Server) Lines(c echo.Context) error {
	by, err := s.Program(c, packaging.TokenScopes...)
	if err != nil {
		return err
	}
	lines, err := s.Store.Lines(c.Request().Context(), by.Scope())
	if err != nil {
		return err
	}
	rows := []lineRow{}
	for _, l := range lines {
		if !l.Retired {
			rows = append(rows, lineRow{l.Code, l.Name})
		}
	}
	return send(c, struct {
		Lines []lineRow `json:"lines"`
	}{rows})
}

// orderRow is an order.
type orderRow struct {
	ID       packaging.OrderID `json:"id"`
	Order    string            `json:"order"`
	Line     string            `json:"line"`
	Product  string            `json:"product"`
	GTIN     string            `json:"gtin"`
	Lot      string            `json:"lot"`
	Expiry   string            `json:"expiry"`
	Quantity string            `json:"quantity"`
	Extra    string            `json:"extra_percent"`
	Status   packaging.Status  `json:"status"`
	AsOf     *string           `json:"as_of"`
	Gone     bool              `json:"gone"`
	Revision int64             `json:"revision"`
	Releases []releaseRow      `json:"releases,omitempty"`
	Latest   *releaseRow       `json:"latest_release"`
}

// releaseRow is a release of an order.
type releaseRow struct {
	Number    int               `json:"number"`
	Outcome   packaging.Outcome `json:"outcome"`
	Reason    packaging.Reason  `json:"reason"`
	Requested *string           `json:"requested"`
	Answered  *string           `json:"answered"`
	Serials   int64             `json:"serials"`
	List      bool              `json:"list"`
	Oddities  []oddityRow       `json:"oddities"`
}

type oddityRow struct {
	Kind  packaging.OddityKind `json:"kind"`
	Count int64                `json:"count"`
}

func orderOf(o packaging.Order) orderRow {
	row := orderRow{
		ID: o.ID, Order: o.Key, Line: o.Line.Code, Product: o.Product, GTIN: o.GTIN, Lot: o.Lot, Expiry: o.Expiry,
		Quantity: o.Quantity, Extra: o.ExtraPercent, Status: o.Status, AsOf: instant(o.AsOf), Gone: o.Gone,
		Revision: o.Revision,
	}
	if o.Release != nil {
		latest := releaseOf(*o.Release)
		row.Latest = &latest
	}
	return row
}

func releaseOf(r packaging.Release) releaseRow {
	row := releaseRow{
		Number: r.Number(), Outcome: r.Says(), Reason: r.Reason, Requested: instant(r.Requested),
		Answered: instant(r.Answered),
		Serials:  r.Serials, List: r.List != packaging.NoList, Oddities: []oddityRow{},
	}
	for _, odd := range r.Oddities {
		row.Oddities = append(row.Oddities, oddityRow{odd.Kind, odd.Count})
	}
	return row
}

// Orders lists orders by their keys, from the one after the cursor. A key is given once and never again, in the order
// in which orders came: so none is skipped, and none comes twice.
func (s *Server) Orders(c echo.Context) error {
	by, err := s.Program(c, packaging.ReadOrdersScope)
	if err != nil {
		return err
	}
	line, one, err := s.line(c, by)
	if err != nil {
		return err
	}
	rows, err := limit(c)
	if err != nil {
		return err
	}
	from, err := after(c)
	if err != nil {
		return err
	}
	f := packaging.OrderFilter{Status: packaging.Status(c.QueryParam("status"))}
	if one {
		f.LineID = line.ID
	}
	orders, err := s.Store.OrdersAfter(c.Request().Context(), by.Scope(), f, packaging.OrderID(from), rows)
	if err != nil {
		return err
	}
	answer := struct {
		Orders []orderRow `json:"orders"`
		Next   *string    `json:"next"`
	}{Orders: []orderRow{}}
	last := from
	for _, o := range orders {
		answer.Orders = append(answer.Orders, orderOf(o))
		last = int64(o.ID)
	}
	answer.Next = next(last)
	return send(c, answer)
}

// Order gives one order with all its releases.
func (s *Server) Order(c echo.Context) error {
	ctx := c.Request().Context()
	by, err := s.Program(c, packaging.ReadOrdersScope)
	if err != nil {
		return err
	}
	id, err := web.PathID[packaging.OrderID](c, "id")
	if err != nil {
		return err
	}
	o, err := s.Store.Order(ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	earlier, err := s.Store.EarlierReleases(ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	row := orderOf(o)
	for _, r := range earlier {
		row.Releases = append(row.Releases, releaseOf(r))
	}
	if o.Release != nil {
		row.Releases = append(row.Releases, releaseOf(*o.Release))
	}
	return send(c, row)
}

// entryRow is an entry of the history. The format of the history says what its hash is over.
type entryRow struct {
	Format        int     `json:"format"`
	PreviousHash  string  `json:"previous_hash"`
	TenantKey     int64   `json:"tenant_key"`
	Number        int64   `json:"number"`
	Time          *string `json:"time_utc"`
	UserKey       int64   `json:"user_key"`
	Username      string  `json:"username"`
	FullName      string  `json:"full_name"`
	Role          string  `json:"role"`
	Deed          string  `json:"deed"`
	OrderKey      int64   `json:"order_key"`
	OrderID       string  `json:"order_id"`
	Line          string  `json:"line"`
	LineName      string  `json:"line_name"`
	ReleaseKey    int64   `json:"release_key"`
	Object        string  `json:"object"`
	Old           string  `json:"old"`
	New           string  `json:"new"`
	Outcome       string  `json:"outcome"`
	Reason        string  `json:"reason"`
	Took          int64   `json:"took_ms"`
	HTTPStatus    int     `json:"http_status"`
	Code          string  `json:"code"`
	Message       string  `json:"message"`
	Serials       int64   `json:"serials"`
	Station       string  `json:"station"`
	Comment       string  `json:"comment"`
	Records       int64   `json:"records"`
	RecordsDigest string  `json:"records_digest"`
	Hash          string  `json:"hash"`
}

func entryOf(e packaging.Entry) entryRow {
	return entryRow{
		Format: e.Format, PreviousHash: hex.EncodeToString(e.Prev[:]), TenantKey: int64(e.TenantID), Number: e.Seq,
		Time: instant(e.At), UserKey: int64(e.By.ID), Username: e.By.Username, FullName: e.By.FullName,
		Role: string(e.By.Role),
		Deed: string(e.Deed), OrderKey: int64(e.OrderID), OrderID: e.OrderKey, Line: e.LineCode, LineName: e.LineName,
		ReleaseKey: int64(e.ReleaseID), Object: e.Object, Old: e.Old, New: e.New, Outcome: string(e.Outcome),
		Reason: e.Reason,
		Took:   e.Took.Milliseconds(), HTTPStatus: e.HTTPStatus, Code: e.Code, Message: e.Message, Serials: e.Serials,
		Station: e.By.Station, Comment: e.Comment, Records: e.Records,
		RecordsDigest: hex.EncodeToString(e.RecordsDigest[:]),
		Hash:          hex.EncodeToString(e.Hash[:]),
	}
}

// History lists the entries after a number, in the order of the chain.
func (s *Server) History(c echo.Context) error {
	by, err := s.Program(c, packaging.ReadHistoryScope)
	if err != nil {
		return err
	}
	rows, err := limit(c)
	if err != nil {
		return err
	}
	from, err := after(c)
	if err != nil {
		return err
	}
	entries, err := s.Store.HistoryAfter(c.Request().Context(), by.Scope(), from, rows)
	if err != nil {
		return err
	}
	answer := struct {
		Entries []entryRow `json:"entries"`
		Whole   bool       `json:"whole"` // no entry between is left out
		Next    *string    `json:"next"`
	}{Entries: []entryRow{}, Whole: !by.Scope().Limited()}
	last := from
	for _, e := range entries {
		answer.Entries = append(answer.Entries, entryOf(e))
		last = e.Seq
	}
	answer.Next = next(last)
	return send(c, answer)
}

// Status says how fresh what is here is, and what needs a person.
func (s *Server) Status(c echo.Context) error {
	ctx := c.Request().Context()
	by, err := s.Program(c, packaging.TokenScopes...)
	if err != nil {
		return err
	}
	fresh, err := s.Store.Freshness(ctx, by.Tenant.ID)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return err
	}
	unknown, oldest, err := s.Store.UnknownOutcomes(ctx, by.Scope())
	if err != nil {
		return err
	}
	late, err := s.Store.LateDeliveries(ctx, by.Scope())
	if err != nil {
		return err
	}
	var age *int64
	if !fresh.Succeeded.IsZero() {
		seconds := int64(s.Now().Sub(fresh.Succeeded).Seconds())
		age = &seconds
	}
	_, down := s.Clients.Down(by.Tenant.ID)
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, struct {
		Time           *string `json:"time"`
		OrdersAsOf     *string `json:"orders_as_of"`
		OrdersAge      *int64  `json:"orders_age_seconds"`
		APIDown        bool    `json:"api_down"`
		Unknown        int     `json:"unknown_outcomes"`
		UnknownSince   *string `json:"unknown_since"`
		LateDeliveries int     `json:"late_deliveries"`
	}{
		instant(s.Now()), instant(fresh.Succeeded), age, down, unknown, instant(oldest), len(late),
	})
}
