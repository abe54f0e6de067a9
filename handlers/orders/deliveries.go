package orders

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// SetDelivery sends a list to its destination, or notes that a person carried it there.
func (s *Server) SetDelivery(c echo.Context) error {
	id, err := web.PathID[packaging.DeliveryID](c, "delivery")
	if err != nil {
		return err
	}
	return s.aboutDelivery(c, func(ctx context.Context, by packaging.Person, _ packaging.OrderID) error {
		switch c.FormValue("do") {
		case "send":
			return s.Store.SendDelivery(ctx, by, id, c.FormValue("why"))
		case "carried":
			return s.Store.CarryDelivery(ctx, by, id, c.FormValue("why"))
		}
		return packaging.Fail(packaging.Invalid, "error.invalid")
	})
}

// SendList sends the list of an order to a destination that came after it.
func (s *Server) SendList(c echo.Context) error {
	to, err := web.FormNumber(c, "destination")
	if err != nil {
		return err
	}
	return s.aboutDelivery(c, func(ctx context.Context, by packaging.Person, id packaging.OrderID) error {
		return s.Store.SendList(ctx, by, id, packaging.DestinationID(to), c.FormValue("why"))
	})
}

// aboutDelivery does what a form asks for, and shows the order.
func (s *Server) aboutDelivery(
	c echo.Context, do func(context.Context, packaging.Person, packaging.OrderID) error,
) error {
	ctx, by := c.Request().Context(), web.SignedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	if _, err := s.Store.Order(ctx, by.Scope(), id); err != nil {
		return err
	}
	err = do(ctx, by, id)
	if conflict := web.Conflict(ctx, err); conflict != "" {
		return s.showOrder(c, http.StatusConflict, conflict)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.OrderURL(id)+"#deliveries")
}

// late returns the lists that wait too long, by line.
func (s *Server) late(
	ctx context.Context, in packaging.Scope,
) (all map[packaging.LineID][]packaging.Delivery, err error) {
	late, err := s.Store.LateDeliveries(ctx, in)
	all = map[packaging.LineID][]packaging.Delivery{}
	for _, v := range late {
		all[v.Destination.Line.ID] = append(all[v.Destination.Line.ID], v)
	}
	return all, err
}
