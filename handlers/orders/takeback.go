package orders

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// Withdraw takes an order from the boards that only an import told of.
func (s *Server) Withdraw(c echo.Context) error {
	return s.takeBack(c, func(id packaging.OrderID, why string) error {
		return s.Store.WithdrawOrder(c.Request().Context(), web.SignedIn(c), id, why)
	})
}

// GiveValueBack ends that an imported value counts: the API's does again.
func (s *Server) GiveValueBack(c echo.Context) error {
	return s.takeBack(c, func(id packaging.OrderID, why string) error {
		field := packaging.ImportField(c.FormValue("field"))
		return s.Store.GiveValueBack(c.Request().Context(), web.SignedIn(c), id, field, c.FormValue("value"), why)
	})
}

// takeBack does what a form of the order asks for, with the reason that it gives, and shows the order.
func (s *Server) takeBack(c echo.Context, do func(id packaging.OrderID, why string) error) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	if _, err := s.Store.Order(c.Request().Context(), web.SignedIn(c).Scope(), id); err != nil {
		return err
	}
	why, err := packaging.Words(c.FormValue("why"), packaging.MaxNote, true)
	if err != nil {
		return err
	}
	err = do(id, why)
	if conflict := web.Conflict(c.Request().Context(), err); conflict != "" {
		return s.showOrder(c, http.StatusConflict, conflict)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.OrderURL(id))
}
