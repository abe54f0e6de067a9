package programs

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/listfile"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// offered is a list that waits for a program.
type offered struct {
	ID          string                  `json:"id"`
	Destination string                  `json:"destination"`
	Line        string                  `json:"line"`
	Order       string                  `json:"order"`
	Number      int                     `json:"number"`
	Product     string                  `json:"product"`
	GTIN        string                  `json:"gtin"`
	Lot         string                  `json:"lot"`
	Expiry      string                  `json:"expiry"`
	Quantity    string                  `json:"quantity"`
	Count       int64                   `json:"count"`
	State       packaging.DeliveryState `json:"state"`
	Since       *string                 `json:"since"`
	Serials     string                  `json:"serials"`
	Cursor      string                  `json:"cursor"`
}

func (s *Server) offer(o packaging.Offer) offered {
	return offered{
		ID: o.UID, Destination: o.Destination.Name, Line: o.Destination.Line.Code, Order: o.Facts.Order,
		Number: o.Facts.Number, Product: o.Facts.Product, GTIN: o.Facts.GTIN, Lot: o.Facts.Lot, Expiry: o.Facts.Expiry,
		Quantity: o.Facts.Quantity, Count: o.Facts.Count, State: o.State, Since: instant(o.Since),
		Serials: s.Prefixed(string(shell.ReleaseSerialsURL(o.UID))), Cursor: o.Cursor,
	}
}

// Releases lists the serial lists that wait for programs, in the order in which they came to wait.
func (s *Server) Releases(c echo.Context) error {
	ctx := c.Request().Context()
	by, err := s.Program(c, packaging.TakeListsScope, packaging.ReadSerialsScope)
	if err != nil {
		return err
	}
	asked, err := s.asked(c, by)
	if err != nil {
		return err
	}
	rows, err := limit(c)
	if err != nil {
		return err
	}
	all := c.QueryParam("state") == "all"
	cursor := c.QueryParam("after")
	offers, err := s.Store.Offers(ctx, by.Scope(), asked, cursor, all, rows)
	if err != nil {
		return err
	}
	answer := struct {
		Releases []offered `json:"releases"`
		Next     *string   `json:"next"`
	}{Releases: []offered{}}
	if cursor != "" {
		answer.Next = &cursor
	}
	for _, o := range offers {
		answer.Releases = append(answer.Releases, s.offer(o))
		answer.Next = &answer.Releases[len(answer.Releases)-1].Cursor
	}
	return send(c, answer)
}

// asked returns the destinations that a query is about, but for stopped ones. Without any, an empty list would say that
// nothing waits: a problem says what is missing.
func (s *Server) asked(c echo.Context, by packaging.Person) (ids []packaging.DestinationID, err error) {
	ctx := c.Request().Context()
	line, one, err := s.line(c, by)
	if err != nil {
		return nil, err
	}
	destinations, err := s.Store.PullDestinations(ctx, by.Scope())
	if err != nil {
		return nil, err
	}
	name, stopped := c.QueryParam("destination"), false
	for _, d := range destinations {
		if one && d.Line.ID != line.ID || name != "" && !strings.EqualFold(d.Name, name) {
			continue
		}
		if d.Stopped.IsZero() {
			ids = append(ids, d.ID)
		} else {
			stopped = true
		}
	}
	switch {
	case len(ids) == 0 && stopped:
		return nil, web.ProblemOf(ctx, http.StatusConflict, "destination_stopped")
	case len(ids) == 0:
		return nil, web.ProblemOf(ctx, http.StatusNotFound, "no_destination")
	}
	return ids, nil
}

// delivery returns the list of the path. Lists that wait for a person are not given to who may only take lists.
func (s *Server) delivery(c echo.Context, by packaging.Person) (packaging.Delivery, error) {
	v, err := s.Store.OpenDelivery(c.Request().Context(), by.Scope(), c.Param("id"))
	if err == nil && v.State == packaging.DeliveryHeld {
		err = web.ProblemOf(c.Request().Context(), http.StatusConflict, "held")
	}
	return v, err
}

func (s *Server) document(c echo.Context, v packaging.Delivery) listfile.Document {
	return listfile.Of(v, func(do func(packaging.Serial) error) error {
		return s.Store.EachListed(c.Request().Context(), v, do)
	})
}

// forms are how programs may have a list, by what they accept.
var forms = map[packaging.ListFormat]string{
	packaging.JSONFormat: echo.MIMEApplicationJSON,
	packaging.CSVFormat:  "text/csv; charset=utf-8",
}

// Serials streams a list as it came: the same bytes each time, whose SHA-256 is the ETag.
func (s *Server) Serials(c echo.Context) error {
	by, err := s.Program(c, packaging.TakeListsScope, packaging.ReadSerialsScope)
	if err != nil {
		return err
	}
	v, err := s.delivery(c, by)
	if err != nil {
		return err
	}
	form, ok := formAsked(c)
	if !ok {
		return web.ProblemOf(c.Request().Context(), http.StatusNotAcceptable, "not_acceptable")
	}
	size, digest, err := listfile.Sum(form, s.document(c, v))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Vary", "Accept")
	h.Set("Lineboard-Sha256", hex.EncodeToString(digest[:]))
	h.Set("Lineboard-Count", strconv.FormatInt(v.Facts.Count, 10))
	if unchanged(c, fmt.Sprintf(`"%x"`, digest)) {
		return c.NoContent(http.StatusNotModified)
	}
	h.Set(echo.HeaderContentType, forms[form.Format])
	h.Set(echo.HeaderContentLength, strconv.FormatInt(size, 10))
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	if err := listfile.Write(c.Response(), form, s.document(c, v)); err != nil {
		s.Log.Warn("serial list not sent as a whole", "delivery", v.UID, "err", err)
		panic(http.ErrAbortHandler) // so that the program sees that it has not all
	}
	return nil
}

// formAsked returns how a program wants a list: as the query says, else as it accepts, else as JSON.
func formAsked(c echo.Context) (packaging.ListForm, bool) {
	switch c.QueryParam("format") {
	case "csv":
		return packaging.ListForm{Format: packaging.CSVFormat}, true
	case "json":
		return packaging.ListForm{Format: packaging.JSONFormat}, true
	case "":
	default:
		return packaging.ListForm{}, false
	}
	accept := c.Request().Header.Get(echo.HeaderAccept)
	for part := range strings.SplitSeq(accept, ",") {
		media, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch media {
		case "text/csv":
			return packaging.ListForm{Format: packaging.CSVFormat}, true
		case "", "application/json", "application/*", "*/*":
			return packaging.ListForm{Format: packaging.JSONFormat}, true
		}
	}
	return packaging.ListForm{}, accept == ""
}

// taken is what a program says that it took.
type taken struct {
	Count  *int64 `json:"count"`
	SHA256 string `json:"sha256"`
}

// Take notes that a program took a list. It names how many serial numbers it has, and the SHA-256 of the bytes that it
// read them from. What does not fit is refused: the program has another list, or a part of it.
func (s *Server) Take(c echo.Context) error {
	ctx := c.Request().Context()
	by, err := s.Program(c, packaging.TakeListsScope)
	if err != nil {
		return err
	}
	v, err := s.delivery(c, by)
	if err != nil {
		return err
	}
	var said taken
	decoder := json.NewDecoder(c.Request().Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&said); err != nil || said.Count == nil || len(said.SHA256) != 2*len(v.Digest) {
		return web.ProblemOf(ctx, http.StatusUnprocessableEntity, "bad_taken")
	}
	fits := false
	for format := range forms {
		v.Form = packaging.ListForm{Format: format}
		if v.Size, v.Digest, err = listfile.Sum(v.Form, s.document(c, v)); err != nil {
			return err
		}
		if fits = strings.EqualFold(said.SHA256, hex.EncodeToString(v.Digest[:])); fits {
			break
		}
	}
	if !fits || *said.Count != v.Facts.Count {
		return web.ProblemOf(ctx, http.StatusConflict, "other_list")
	}
	if err := s.Store.TakeDelivery(ctx, by, v); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		ID    string                  `json:"id"`
		State packaging.DeliveryState `json:"state"`
		Count int64                   `json:"count"`
	}{v.UID, packaging.DeliveryTaken, v.Facts.Count})
}
