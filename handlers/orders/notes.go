package orders

import (
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// Notes stay on a line's board for a day, so that three shifts see them.
const (
	noteAge       = 24 * time.Hour
	maxBoardNotes = 20
)

// NoteLine takes a note about a line.
func (s *Server) NoteLine(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	words, err := packaging.Words(c.FormValue("words"), packaging.MaxNote, true)
	if err != nil {
		return err
	}
	if err := s.Store.NoteLine(c.Request().Context(), web.SignedIn(c), line, words); err != nil {
		return err
	}
	return web.SeeOther(c, shell.LineURL(line)+"#notes")
}

// NoteOrder takes a note about an order.
func (s *Server) NoteOrder(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	if _, err := s.Store.Order(ctx, p.Scope(), id); err != nil {
		return err
	}
	words, err := packaging.Words(c.FormValue("words"), packaging.MaxNote, true)
	if err != nil {
		return err
	}
	if err := s.Store.NoteOrder(ctx, p, id, words); err != nil {
		return err
	}
	return web.SeeOther(c, shell.OrderURL(id)+"#notes")
}

// WithdrawNote withdraws a note of the person's own, and shows where it stood.
func (s *Server) WithdrawNote(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	id, err := web.PathID[packaging.NoteID](c, "note")
	if err != nil {
		return err
	}
	n, err := s.Store.Note(ctx, p.Scope(), id)
	if err != nil {
		return err
	}
	why, err := packaging.Words(c.FormValue("why"), packaging.MaxNote, true)
	if err != nil {
		return err
	}
	if err := s.Store.WithdrawNote(ctx, p, n.ID, why); err != nil {
		return err
	}
	to := shell.LineURL(n.Line)
	if n.OrderID != 0 {
		to = shell.OrderURL(n.OrderID)
	}
	return web.SeeOther(c, to+"#notes")
}

// authors returns who wrote the notes: they can withdraw them, and nobody else can.
func authors(notes []packaging.Note) (all []packaging.UserID) {
	for _, n := range notes {
		if n.Stands() {
			all = append(all, n.By.ID)
		}
	}
	return all
}
