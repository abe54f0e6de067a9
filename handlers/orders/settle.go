package orders

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/memory"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/orders"
	"lineboard/views/shell"
)

// AskStatus asks the API now about a release whose outcome is unknown.
func (s *Server) AskStatus(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	if err := s.Settler.Ask(c.Request().Context(), web.SignedIn(c), id); err != nil {
		return err
	}
	return web.SeeOther(c, shell.OrderURL(id)+"#release")
}

// SettleByWord settles a release whose outcome is unknown by what the person says of it.
func (s *Server) SettleByWord(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := orderID(c)
	if err != nil {
		return err
	}
	word := packaging.Word{Order: id, Ruling: packaging.Ruling(c.FormValue("ruling"))}
	if word.Revision, err = web.FormNumber(c, "revision"); err != nil {
		return err
	}
	if word.Why, err = reason(c); err != nil {
		return s.showOrder(c, web.FormStatus(err), "")
	}
	o, err := s.Store.Order(ctx, web.SignedIn(c).Scope(), id)
	if err != nil {
		return err
	}
	if o.MayBeSettledByWord() { // else the store says what stands in the way, whoever signs
		word.Signed, err = s.signatures(c, wordToSign(o))
		if refuses(c, err) {
			return s.showOrder(c, web.FormStatus(err), "")
		}
		if err != nil {
			return err
		}
	}
	err = s.Store.SettleByWord(ctx, web.SignedIn(c), word)
	switch packaging.CodeOf(err) {
	case packaging.Conflict:
		return s.showOrder(c, http.StatusConflict, web.FormError(ctx, err))
	case packaging.Invalid:
		c.Set(wordsKey, web.FormError(ctx, err))
		return s.showOrder(c, web.FormStatus(err), "")
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.OrderURL(id)+"#release")
}

// maxComment is the longest comment that is kept, in characters.
const maxComment = 500

// Acknowledge keeps that the person has looked at the result of a release, and leads back to where they did.
func (s *Server) Acknowledge(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	release, err := web.FormNumber(c, "release")
	if err != nil {
		return err
	}
	comment := strings.TrimSpace(c.FormValue("comment"))
	if utf8.RuneCountInString(comment) > maxComment {
		return packaging.Fail(packaging.Invalid, "error.comment_long")
	}
	err = s.Store.Acknowledge(c.Request().Context(), web.SignedIn(c), id, packaging.ReleaseID(release), comment)
	if conflict := web.Conflict(c.Request().Context(), err); conflict != "" {
		return s.showOrder(c, http.StatusConflict, conflict)
	}
	if err != nil {
		return err
	}
	if next := c.FormValue("next"); next != "" {
		return web.SeeOther(c, web.LocalPath(next))
	}
	return web.SeeOther(c, shell.OrderURL(id)+"#release")
}

// AcknowledgeAll keeps that the person has looked at plain successes of a line, all or none, and leads back to its
// board. One that changed meanwhile stands there as it is now.
func (s *Server) AcknowledgeAll(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	form, err := c.FormParams()
	if err != nil {
		return packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	var results []packaging.ResultSeen
	for _, one := range form["release"] {
		var seen packaging.ResultSeen
		if _, err := fmt.Sscanf(one, "%d.%d", &seen.Order, &seen.Release); err != nil {
			return packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
		}
		results = append(results, seen)
	}
	err = s.Store.AcknowledgeAll(c.Request().Context(), web.SignedIn(c), results)
	if conflict := web.Conflict(c.Request().Context(), err); conflict != "" {
		asked := lineAsked{code: line.Code, notice: conflict, status: http.StatusConflict}
		return s.ShowFresh(c, "lines", s.linePage(asked, s.afterRefresh(0)))
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.LineURL(line))
}

// ListForm is where a missing list is added: with the list of an answer that is kept by itself, if one is named.
func (s *Server) ListForm(c echo.Context) error {
	kept, err := web.QueryNumber(c, "kept")
	if err != nil || kept == 0 {
		return errors.Join(err, s.showListForm(c, http.StatusOK, view.ListForm{}))
	}
	id, err := orderID(c)
	if err != nil {
		return err
	}
	leave, err := s.oneList(c)
	if err != nil {
		return err
	}
	defer leave()
	serials, err := s.Store.KeptSerials(
		c.Request().Context(), web.SignedIn(c).Scope(), id, packaging.KeptAnswerID(kept),
	)
	if err != nil {
		return err
	}
	form := view.ListForm{KeptID: packaging.KeptAnswerID(kept), All: len(serials)}
	if form.Given, form.First, err = firstThatFit(serials); err != nil {
		return err
	}
	form.Long = form.First < form.All
	return s.showListForm(c, http.StatusOK, form)
}

// firstThatFit returns as many of the serials as a page shows, as JSON: as text, a line for each, some would not stay
// as they are.
func firstThatFit(serials []string) (shown string, n int, err error) {
	for n = len(serials); ; n = int(int64(n) * maxShownList / int64(len(shown)+1)) {
		list, err := json.MarshalIndent(serials[:n], "", "")
		if shown = string(list); err != nil || len(shown) <= maxShownList {
			return shown, n, err
		}
	}
}

// maxDismissal is the longest reason for which an answer is put aside, in characters.
const maxDismissal = 500

// DismissKept records that an answer which is kept by itself needs nobody any more.
func (s *Server) DismissKept(c echo.Context) error {
	id, err := web.PathID[packaging.KeptAnswerID](c, "kept")
	if err != nil {
		return err
	}
	why := strings.TrimSpace(c.FormValue("why"))
	if utf8.RuneCountInString(why) > maxDismissal {
		return packaging.Fail(packaging.Invalid, "error.comment_long")
	}
	order, err := s.Store.DismissKept(c.Request().Context(), web.SignedIn(c), id, why)
	if err != nil {
		return err
	}
	if order == 0 {
		return web.SeeOther(c, shell.DataURL())
	}
	return web.SeeOther(c, shell.OrderURL(order))
}

func (s *Server) showListForm(c echo.Context, status int, form view.ListForm) (err error) {
	if form.Order, err = s.orderOfRelease(c); err != nil {
		return err
	}
	f, err := s.Frame(c, "lines", shell.OrderID(form.Order.Key)+" · "+text.Say(c.Request().Context(), "list.title"))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.AddList(f, form))
}

// orderOfRelease returns the order of the path, with the release whose number is given: the latest one without.
func (s *Server) orderOfRelease(c echo.Context) (o packaging.Order, err error) {
	id, err := orderID(c)
	if err != nil {
		return o, err
	}
	number, err := web.FormNumber(c, "release")
	if err != nil {
		return o, err
	}
	return s.Store.OrderOfRelease(c.Request().Context(), web.SignedIn(c).Scope(), id, int(number))
}

// oneList begins work with a whole list. A site has one at a time: each takes memory for all of it.
func (s *Server) oneList(c echo.Context) (leave func(), err error) {
	end, ok := s.Lists.Enter(strconv.FormatInt(int64(web.SignedIn(c).Tenant.ID), 10))
	if !ok {
		return nil, packaging.Fail(packaging.Conflict, "error.list_busy")
	}
	small := memory.BeginLarge()
	return func() { small(); end() }, nil
}

// AddList adds the missing list of a release of an order, from a file or as pasted. One that is odd is added only when
// the person has seen what is odd about it.
func (s *Server) AddList(c echo.Context) error {
	leave, err := s.oneList(c)
	if err != nil {
		return err
	}
	defer leave()
	return s.addList(c)
}

// maxShownList is how many bytes of a list a page shows again, so that what is wrong can be mended there. A longer one
// is kept until it is confirmed.
const maxShownList = 1 << 20

// maxListInMemory is how many bytes of a form with a list are held while it is read. The rest waits in a file.
const maxListInMemory = 4 << 20

func (s *Server) addList(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	defer func() { // the server removes files of the request that it made alone, which is another one by now
		if form := c.Request().MultipartForm; form != nil {
			_ = form.RemoveAll()
		}
	}()
	if err := c.Request().ParseMultipartForm(maxListInMemory); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	o, err := s.orderOfRelease(c)
	if err != nil {
		return err
	}
	var form view.ListForm
	serials, given, err := s.givenList(c, o, &form)
	if form.Problem = web.FormError(ctx, err); form.Problem != "" {
		return s.showListForm(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	expected, known := o.ListExpected()
	if form.Odd = packaging.CheckSerials(serials, expected, known); len(form.Odd) > 0 &&
		c.FormValue("confirm") != "yes" {
		form.Count, form.Expected = int64(len(serials)), expected
		if form.Given == "" && !form.Long {
			form.Waiting = s.kept.keep(keptFor{p.ID, o.ID}, given, s.Now())
		}
		return s.showListForm(c, http.StatusUnprocessableEntity, form)
	}
	number := 0
	if o.Release != nil {
		number = o.Release.Number()
	}
	err = s.Store.AddList(ctx, p, o.ID, number, form.KeptID, serials)
	if conflict := web.Conflict(ctx, err); conflict != "" {
		return s.showOrder(c, http.StatusConflict, conflict)
	}
	if err != nil {
		return err
	}
	s.kept.drop(keptFor{p.ID, o.ID})
	return web.SeeOther(c, shell.OrderURL(o.ID)+"#release")
}

// givenList is the list of the form: of a file, as pasted, or of an answer to a release of the order that is kept by
// itself. list is its text where a person gave it. What can be shown again is in form.
func (s *Server) givenList(c echo.Context, o packaging.Order, form *view.ListForm) (
	serials []string, list string, err error,
) {
	kept, err := web.FormNumber(c, "kept")
	if err != nil {
		return nil, "", err
	}
	if kept != 0 {
		form.Long, form.KeptID = true, packaging.KeptAnswerID(kept)
		serials, err = s.Store.KeptSerials(c.Request().Context(), web.SignedIn(c).Scope(), o.ID, form.KeptID)
		return serials, "", err
	}
	answer, err := web.FormNumber(c, "answer")
	if err != nil {
		return nil, "", err
	}
	form.KeptID = packaging.KeptAnswerID(answer)
	if list, err = s.textOfList(c, o.ID); err != nil {
		return nil, "", err
	}
	if len(list) <= maxShownList {
		form.Given = list
	}
	serials, err = packaging.ParseSerialList(list)
	return serials, list, err
}

// textOfList is the list that a form brings, or the long one that waited to be confirmed.
func (s *Server) textOfList(c echo.Context, order packaging.OrderID) (string, error) {
	given, err := uploadedList(c)
	waiting := c.FormValue("waiting")
	if err != nil || given != "" || waiting == "" {
		return given, err
	}
	given, ok := s.kept.give(keptFor{web.SignedIn(c).ID, order}, waiting, s.Now())
	if !ok {
		err = packaging.Fail(packaging.Invalid, "list.kept_gone")
	}
	return given, err
}

// uploadedList is the text of the file, or what was pasted where there is none.
func uploadedList(c echo.Context) (string, error) {
	header, err := c.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) || err == nil && header.Size == 0 {
		return c.FormValue("list"), nil
	}
	if err != nil {
		return "", err
	}
	return web.ReadUpload(header)
}
