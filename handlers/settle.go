package handlers

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	orderviews "lineboard/views/orders"
	"lineboard/views/shell"
)

// ask has the API asked now about a release whose outcome is unknown.
func (s *server) ask(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	if err := s.Settler.Ask(c.Request().Context(), signedIn(c), id); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id))+"#release")
}

// commentMost is the longest comment that is kept, in characters.
const commentMost = 500

// acknowledge keeps that the person has looked at the result of a release, and leads back to where they did.
func (s *server) acknowledge(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	release, err := formNumber(c, "release")
	if err != nil {
		return err
	}
	comment := strings.TrimSpace(c.FormValue("comment"))
	if utf8.RuneCountInString(comment) > commentMost {
		return packaging.Fail(packaging.Invalid, "error.comment_long")
	}
	err = s.Store.Acknowledge(c.Request().Context(), signedIn(c), id, packaging.ReleaseID(release), comment)
	var coded *packaging.Error
	if errors.As(err, &coded) && coded.Code == packaging.Conflict {
		return s.showOrder(c, http.StatusConflict, text.Say(pageContext(c), coded.Key))
	}
	if err != nil {
		return err
	}
	if next := c.FormValue("next"); next != "" {
		return c.Redirect(http.StatusSeeOther, ownPath(next))
	}
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id))+"#release")
}

func (s *server) listForm(c echo.Context) error {
	return s.showListForm(c, http.StatusOK, orderviews.ListForm{})
}

func (s *server) showListForm(c echo.Context, status int, form orderviews.ListForm) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	if form.Order, err = s.Store.Order(c.Request().Context(), signedIn(c).Scope(), id); err != nil {
		return err
	}
	f, err := s.frame(c, "lines", shell.OrderID(form.Order.Key)+" · "+text.Say(pageContext(c), "list.title"))
	if err != nil {
		return err
	}
	return render(c, status, orderviews.AddList(f, form))
}

// addList adds the missing list of an order, from a file or as pasted. One that is odd is added only when the person has
// seen what is odd about it.
func (s *server) addList(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	id, err := orderID(c)
	if err != nil {
		return err
	}
	given, err := givenList(c)
	if err != nil {
		return err
	}
	form := orderviews.ListForm{Given: given}
	serials, err := packaging.ParseSerialList(given)
	if err != nil {
		var coded *packaging.Error
		if errors.As(err, &coded) {
			form.Problem = text.Say(pageContext(c), coded.Key)
			return s.showListForm(c, http.StatusUnprocessableEntity, form)
		}
		return err
	}
	o, err := s.Store.Order(ctx, p.Scope(), id)
	if err != nil {
		return err
	}
	expected, known := o.SerialsExpected()
	if form.Odd = packaging.CheckSerials(serials, expected, known); len(form.Odd) > 0 && c.FormValue("confirm") != "yes" {
		form.Count, form.Expected = int64(len(serials)), expected
		return s.showListForm(c, http.StatusUnprocessableEntity, form)
	}
	err = s.Store.AddList(ctx, p, id, serials)
	if packaging.CodeOf(err) == packaging.Conflict {
		return s.showOrder(c, http.StatusConflict, text.Say(pageContext(c), "obstacle.list_not_missing"))
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.OrderURL(id))+"#release")
}

// givenList is the text of the file, or what was pasted where there is none.
func givenList(c echo.Context) (string, error) {
	header, err := c.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) || err == nil && header.Size == 0 {
		return c.FormValue("list"), nil
	}
	if err != nil {
		return "", err
	}
	return readAll(header)
}

func readAll(header *multipart.FileHeader) (string, error) {
	file, err := header.Open()
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}
