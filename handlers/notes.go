package handlers

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// NoteStore keeps what people write during a shift.
type NoteStore interface {
	LineNotes(ctx context.Context, in packaging.Scope, line packaging.LineID, since time.Time, limit int) ([]packaging.Note, error)
	OrderNotes(ctx context.Context, in packaging.Scope, order packaging.OrderID, limit int) ([]packaging.Note, error)
	Note(ctx context.Context, in packaging.Scope, id packaging.NoteID) (packaging.Note, error)
	NoteLine(ctx context.Context, by packaging.Person, line packaging.Line, words string) error
	NoteOrder(ctx context.Context, by packaging.Person, id packaging.OrderID, words string) error
	WithdrawNote(ctx context.Context, by packaging.Person, id packaging.NoteID, why string) error
}

// Notes stay on a line's board for a day, so that three shifts see them.
const (
	notesStay = 24 * time.Hour
	notesMost = 20
)

// noteLine takes a note about a line.
func (s *server) noteLine(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	words, err := packaging.Words(c.FormValue("words"), packaging.MaxNote, true)
	if err != nil {
		return err
	}
	if err := s.Store.NoteLine(c.Request().Context(), signedIn(c), line, words); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.LineURL(line))+"#notes")
}

// noteOrder takes a note about an order.
func (s *server) noteOrder(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
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
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id))+"#notes")
}

// withdrawNote withdraws a note of the person's own, and shows where it stood.
func (s *server) withdrawNote(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	id, err := strconv.ParseInt(c.Param("note"), 10, 64)
	if err != nil {
		return packaging.Fail(packaging.NotFound, "error.not_found")
	}
	n, err := s.Store.Note(ctx, p.Scope(), packaging.NoteID(id))
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
	return c.Redirect(http.StatusSeeOther, string(to)+"#notes")
}

// ownNotes says whether a board is asked for with what its reader may do with the notes that they wrote. It is then drawn
// for them alone.
func ownNotes(c echo.Context) bool { return c.QueryParam("notes") == "own" }
