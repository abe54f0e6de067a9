package orders

import (
	"context"
	"encoding/hex"
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
	form := &view.Signing{Content: hex.EncodeToString(content[:]), AtStation: web.Station(c).Known(), Second: rules.SecondSigner, Problem: problem}
	for i := range form.Meanings {
		form.Meanings[i] = packaging.Meaning(c.FormValue(view.SignField("meaning", i+1)))
	}
	form.Username = c.FormValue("username")
	return form, nil
}

// releaseSignatures are those under an order's latest release, or under the queue that it is of.
func (s *Server) releaseSignatures(ctx context.Context, o packaging.Order) ([]packaging.Signature, error) {
	switch {
	case o.Release == nil:
		return nil, nil
	case o.Release.Queue != 0:
		return s.Store.Signatures(ctx, o.TenantID, packaging.SignedQueue, int64(o.Release.Queue))
	}
	return s.Store.Signatures(ctx, o.TenantID, packaging.SignedRelease, int64(o.Release.ID))
}

// signatures takes those of a form, where the tenant wants them. Whether what is signed still is what was shown, the claim
// sees.
func (s *Server) signatures(c echo.Context, what signable) (signed []packaging.Signature, r web.Refusal, err error) {
	rules, err := s.Store.Rules(c.Request().Context(), what.about.TenantID)
	if err != nil || !rules.SignReleases {
		return nil, r, err
	}
	own, r, err := s.signature(c, what, web.SignedIn(c), 1)
	if err != nil || r.Status != 0 || !rules.SecondSigner {
		return []packaging.Signature{own}, r, err
	}
	theirs, r, err := s.secondSignature(c, what)
	return []packaging.Signature{own, theirs}, r, err
}

// secondSignature takes that of the second person, who may release on the line and is not the first. Whether they may, they
// are told once they have proved who they are: until then an answer does not tell who exists.
func (s *Server) secondSignature(c echo.Context, what signable) (signed packaging.Signature, r web.Refusal, err error) {
	p, err := s.secondSigner(c, what)
	if err != nil {
		return signed, r, err
	}
	if p.ID == web.SignedIn(c).ID {
		r, err = s.declined(c, what, p.Author, "same_person")
		return signed, r, err
	}
	signed, r, err = s.signature(c, what, p, 2)
	if err == nil && r.Status == 0 && !p.MayOn(packaging.ReleaseOrders, what.line) {
		r, err = s.declined(c, what, p.Author, "may_not")
	}
	return signed, r, err
}

// secondSigner is whom the form names as the second person. Somebody who does not exist here, or who has nothing to sign
// with, is given without an ID.
func (s *Server) secondSigner(c echo.Context, what signable) (p packaging.Person, err error) {
	ctx := c.Request().Context()
	p.Username, p.Tenant.ID = strings.TrimSpace(c.FormValue("username")), what.about.TenantID
	user, _, err := s.Store.Credential(ctx, p.Username)
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

// signature takes the signature of one person of the form.
func (s *Server) signature(c echo.Context, what signable, p packaging.Person, place int) (signed packaging.Signature, r web.Refusal, err error) {
	meaning := packaging.Meaning(c.FormValue(view.SignField("meaning", place)))
	if !slices.Contains(packaging.Meanings[place], meaning) {
		return signed, web.Refusal{Status: http.StatusUnprocessableEntity, Why: text.Say(c.Request().Context(), "signing.no_meaning")}, nil
	}
	factor, r, err := s.Prove(c, p, secret.New(c.FormValue(view.SignField("secret", place))), packaging.ByPIN)
	if err != nil {
		return signed, r, err
	}
	if r.Status == http.StatusUnauthorized {
		by, reason := p.Author, "wrong"
		if place == 2 {
			reason = "wrong_second"
		}
		if by.ID == 0 {
			by = web.SignedIn(c).Author
		}
		r, err = s.declined(c, what, by, reason)
		return signed, r, err
	}
	shown, _ := hex.DecodeString(c.FormValue("content")) // what is no digest is not the record's
	signed = packaging.Signature{By: p.Author, Meaning: text.Say(c.Request().Context(), "meaning."+string(meaning)), Factor: factor}
	copy(signed.Content[:], shown)
	return signed, r, nil
}

// declined keeps that a signature was not taken, and says why.
func (s *Server) declined(c echo.Context, what signable, by packaging.Author, reason string) (web.Refusal, error) {
	e := what.about
	e.By, e.Deed, e.Reason = by, packaging.SignDeclined, reason
	err := s.Store.Record(c.Request().Context(), e)
	return web.Refusal{Status: http.StatusUnprocessableEntity, Why: text.Say(c.Request().Context(), "sign_declined."+reason)}, err
}
