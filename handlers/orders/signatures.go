package orders

import (
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	view "lineboard/views/orders"
)

const signingKey = "signing" // of Echo's context: why a signature was not taken

// signable is what people are asked to sign: a record of what they are shown, for a line.
type signable struct {
	record packaging.Record
	line   packaging.LineID
	about  packaging.Entry // begins one that says what is concerned
}

// releaseToSign is what is signed for the release of an order.
func releaseToSign(o packaging.Order) signable {
	return signable{o.ReleaseRecord(), o.Line.ID, packaging.Entry{
		TenantID: o.TenantID, OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	}}
}

// againToSign is what is signed for one more release of an order.
func againToSign(o packaging.Order) signable {
	what := releaseToSign(o)
	what.record = o.AgainRecord("")
	return what
}

// wordToSign is what is signed by who says what became of an order's release.
func wordToSign(o packaging.Order) signable {
	what := releaseToSign(o)
	what.record = o.WordRecord("", "")
	return what
}

// queueToSign is what is signed for all releases of a queue.
func queueToSign(p packaging.Person, l packaging.Line, orders []packaging.Order) signable {
	return signable{packaging.QueueRecord(l, packaging.ReleaseDigests(orders)), l.ID, packaging.Entry{
		TenantID: p.Tenant.ID, LineCode: l.Code, LineName: l.Name, Object: "queue",
	}}
}

// signing is what a record must be signed with, nil where the tenant wants no signature.
func (s *Server) signing(c echo.Context, what signable) (*view.Signing, error) {
	rules, err := s.Store.Rules(c.Request().Context(), what.about.TenantID)
	if err != nil || !rules.SignReleases {
		return nil, err
	}
	content := what.record.Digest()
	problem, _ := c.Get(signingKey).(string)
	if problem == "" {
		p := web.SignedIn(c)
		switch hash, err := s.Store.Proof(c.Request().Context(), p.ID); {
		case err != nil:
			return nil, err
		case hash == "": // told before they fill the form in
			problem = text.Say(c.Request().Context(), "signing.no_password", "Person", p.FullName)
		}
	}
	form := &view.Signing{
		Content:   hex.EncodeToString(content[:]),
		AtStation: web.Station(c).Known(),
		Second:    rules.SecondSigner,
		Problem:   problem,
	}
	for i := range form.Meanings {
		form.Meanings[i] = packaging.Meaning(c.FormValue(view.SignField("meaning", i+1)))
	}
	form.Username = c.FormValue("username")
	return form, nil
}

// refuses reports whether err refuses a signature, and has the page to come say why.
func refuses(c echo.Context, err error) bool {
	if refused := (*web.Refused)(nil); !errors.As(err, &refused) {
		return false
	}
	c.Set(signingKey, web.FormError(c.Request().Context(), err))
	return true
}

// signatures returns those of a form, none if the tenant wants none. The claim checks later that what is signed is
// still what was shown.
func (s *Server) signatures(c echo.Context, what signable) ([]packaging.Signature, error) {
	rules, err := s.Store.Rules(c.Request().Context(), what.about.TenantID)
	if err != nil || !rules.SignReleases {
		return nil, err
	}
	own, err := s.signature(c, what, web.SignedIn(c), 1)
	if err != nil || !rules.SecondSigner {
		return []packaging.Signature{own}, err
	}
	theirs, err := s.secondSignature(c, what)
	return []packaging.Signature{own, theirs}, err
}

// secondSignature returns that of the second person, who may release on the line and is not the first. They are told
// that they may not only once they have proved who they are: until then an answer does not tell who exists.
func (s *Server) secondSignature(c echo.Context, what signable) (signed packaging.Signature, err error) {
	p, err := s.secondSigner(c, what)
	if err != nil {
		return signed, err
	}
	if p.ID != 0 && p.SameHuman(web.SignedIn(c)) {
		return signed, s.decline(c, what, p.Author, "same_person")
	}
	signed, err = s.signature(c, what, p, 2)
	if err == nil && !p.MayOn(packaging.ReleaseOrders, what.line) {
		err = s.decline(c, what, p.Author, "may_not")
	}
	return signed, err
}

// secondSigner is whom the form names as the second person. Somebody who does not exist here, or who has nothing to
// sign with, is given without an ID.
func (s *Server) secondSigner(c echo.Context, what signable) (p packaging.Person, err error) {
	ctx := c.Request().Context()
	p.Username, p.Tenant.ID = strings.TrimSpace(c.FormValue("username")), what.about.TenantID
	user, _, err := s.Store.Credential(ctx, p.Username)
	s.NoteUnknownName(c, err)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return p, err
	}
	hash, err := s.Store.Proof(ctx, user)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return p, err
	}
	if pin := web.Station(c).Known() && packaging.IsPIN(c.FormValue(view.SignField("secret", 2))); hash == "" && !pin {
		return p, nil
	}
	memberships, err := s.Store.Memberships(ctx, user)
	for _, m := range memberships {
		if m.Tenant.ID == what.about.TenantID {
			m.Station = web.SignedIn(c).Station
			return m, err
		}
	}
	return p, err
}

// signature returns the signature of one person of the form.
func (s *Server) signature(
	c echo.Context, what signable, p packaging.Person, place int,
) (signed packaging.Signature, err error) {
	meaning := packaging.Meaning(c.FormValue(view.SignField("meaning", place)))
	if !slices.Contains(packaging.Meanings[place], meaning) {
		return signed, &web.Refused{Status: http.StatusUnprocessableEntity, Key: "signing.no_meaning"}
	}
	factor, err := s.Prove(c, p, secret.New(c.FormValue(view.SignField("secret", place))), packaging.ByPIN)
	if web.IsWrong(err) {
		return signed, s.declineWrong(c, what, p.Author, place)
	}
	if err != nil {
		return signed, err
	}
	shown, _ := hex.DecodeString(c.FormValue("content")) // what is no digest is not the record's
	words := text.Say(c.Request().Context(), "meaning."+string(meaning))
	signed = packaging.Signature{By: p.Author, Meaning: words, Factor: factor}
	copy(signed.Content[:], shown)
	return signed, nil
}

// declineWrong records a signature whose proof was wrong, under the first signer if nobody has the name that was
// given.
func (s *Server) declineWrong(c echo.Context, what signable, by packaging.Author, place int) error {
	if by.ID == 0 {
		by = web.SignedIn(c).Author
	}
	if place == 2 {
		return s.decline(c, what, by, "wrong_second")
	}
	return s.decline(c, what, by, "wrong")
}

// decline records that a signature was not taken. The error that it returns says why.
func (s *Server) decline(c echo.Context, what signable, by packaging.Author, reason string) error {
	e := what.about
	e.By, e.Deed, e.Reason = by, packaging.SignDeclined, reason
	if err := s.Store.Record(c.Request().Context(), e); err != nil {
		return err
	}
	return &web.Refused{Status: http.StatusUnprocessableEntity, Key: "sign_declined." + reason}
}
