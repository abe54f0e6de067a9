package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	orderviews "lineboard/views/orders"
)

// SignatureStore gives the signatures under a record.
type SignatureStore interface {
	Signatures(ctx context.Context, tenant packaging.TenantID, kind string, object int64) ([]packaging.Signature, error)
}

const signingKey = "signing" // of Echo's context: why a signature was not taken

// toSign is what people are asked to sign: a record of what they are shown, for a line.
type toSign struct {
	record packaging.Record
	line   packaging.LineID
	about  packaging.Entry // begins one that says what is concerned
}

// releaseToSign is what is signed for the release of an order.
func releaseToSign(o packaging.Order) toSign {
	return toSign{o.ReleaseRecord(), o.Line.ID, packaging.Entry{
		TenantID: o.TenantID, OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	}}
}

// queueToSign is what is signed for all releases of a queue.
func queueToSign(p packaging.Person, l packaging.Line, orders []packaging.Order) toSign {
	return toSign{packaging.QueueRecord(l, packaging.ReleaseDigests(orders)), l.ID, packaging.Entry{
		TenantID: p.Tenant.ID, LineCode: l.Code, LineName: l.Name, Object: "queue",
	}}
}

// signing is what a record must be signed with, nil where the tenant wants no signature.
func (s *server) signing(c echo.Context, what toSign) (*orderviews.Signing, error) {
	rules, err := s.Store.Rules(c.Request().Context(), what.about.TenantID)
	if err != nil || !rules.SignReleases {
		return nil, err
	}
	content := what.record.Digest()
	problem, _ := c.Get(signingKey).(string)
	if problem == "" {
		p := signedIn(c)
		switch hash, err := s.Store.Proof(c.Request().Context(), p.ID); {
		case err != nil:
			return nil, err
		case hash == "": // told before they fill the form in
			problem = text.Say(pageContext(c), "signing.no_password", "Person", p.FullName)
		}
	}
	form := &orderviews.Signing{Content: hex.EncodeToString(content[:]), AtStation: at(c).Known(), Second: rules.SecondSigner, Problem: problem}
	for i := range form.Meanings {
		form.Meanings[i] = packaging.Meaning(c.FormValue(orderviews.SignField("meaning", i+1)))
	}
	form.Username = c.FormValue("username")
	return form, nil
}

// releaseSignatures are those under an order's latest release, or under the queue that it is of.
func (s *server) releaseSignatures(ctx context.Context, o packaging.Order) ([]packaging.Signature, error) {
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
func (s *server) signatures(c echo.Context, what toSign) (signed []packaging.Signature, r refusal, err error) {
	rules, err := s.Store.Rules(c.Request().Context(), what.about.TenantID)
	if err != nil || !rules.SignReleases {
		return nil, r, err
	}
	own, r, err := s.signature(c, what, signedIn(c), 1)
	if err != nil || r.status != 0 || !rules.SecondSigner {
		return []packaging.Signature{own}, r, err
	}
	theirs, r, err := s.secondSignature(c, what)
	return []packaging.Signature{own, theirs}, r, err
}

// secondSignature takes that of the second person, who may release on the line and is not the first. Whether they may, they
// are told once they have proved who they are: until then an answer does not tell who exists.
func (s *server) secondSignature(c echo.Context, what toSign) (signed packaging.Signature, r refusal, err error) {
	p, err := s.secondSigner(c, what)
	if err != nil {
		return signed, r, err
	}
	if p.ID == signedIn(c).ID {
		r, err = s.declined(c, what, p.Author, "same_person")
		return signed, r, err
	}
	signed, r, err = s.signature(c, what, p, 2)
	if err == nil && r.status == 0 && !p.MayOn(packaging.ReleaseOrders, what.line) {
		r, err = s.declined(c, what, p.Author, "may_not")
	}
	return signed, r, err
}

// secondSigner is whom the form names as the second person. Somebody who does not exist here, or who has nothing to sign
// with, is given without an ID.
func (s *server) secondSigner(c echo.Context, what toSign) (p packaging.Person, err error) {
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
	if pin := at(c).Known() && packaging.IsPIN(c.FormValue(orderviews.SignField("secret", 2))); hash == "" && !pin {
		return p, nil
	}
	memberships, err := s.Store.Memberships(ctx, user)
	for _, m := range memberships {
		if m.Tenant.ID == what.about.TenantID {
			m.Station = signedIn(c).Station
			return m, err
		}
	}
	return p, err
}

// signature takes the signature of one person of the form.
func (s *server) signature(c echo.Context, what toSign, p packaging.Person, place int) (signed packaging.Signature, r refusal, err error) {
	meaning := packaging.Meaning(c.FormValue(orderviews.SignField("meaning", place)))
	if !slices.Contains(packaging.Meanings[place], meaning) {
		return signed, refusal{http.StatusUnprocessableEntity, text.Say(pageContext(c), "signing.no_meaning")}, nil
	}
	factor, r, err := s.prove(c, p, secret.New(c.FormValue(orderviews.SignField("secret", place))), packaging.ByPIN)
	if err != nil {
		return signed, r, err
	}
	if r.status == http.StatusUnauthorized {
		by, reason := p.Author, "wrong"
		if place == 2 {
			reason = "wrong_second"
		}
		if by.ID == 0 {
			by = signedIn(c).Author
		}
		r, err = s.declined(c, what, by, reason)
		return signed, r, err
	}
	shown, _ := hex.DecodeString(c.FormValue("content")) // what is no digest is not the record's
	signed = packaging.Signature{By: p.Author, Meaning: text.Say(pageContext(c), "meaning."+string(meaning)), Factor: factor}
	copy(signed.Content[:], shown)
	return signed, r, nil
}

// declined keeps that a signature was not taken, and says why.
func (s *server) declined(c echo.Context, what toSign, by packaging.Author, reason string) (refusal, error) {
	e := what.about
	e.By, e.Deed, e.Reason = by, packaging.SignDeclined, reason
	err := s.Store.Record(c.Request().Context(), e)
	return refusal{http.StatusUnprocessableEntity, text.Say(pageContext(c), "sign_declined."+reason)}, err
}

// proofOf names what is tried where somebody proves who they are. A name that nobody has is tried as often as anybody's.
func proofOf(p packaging.Person) string {
	if p.ID == 0 {
		hash := sha256.Sum256([]byte(strings.ToLower(p.Username)))
		return "proof of nobody " + hex.EncodeToString(hash[:8])
	}
	return fmt.Sprintf("proof of %d", p.ID)
}

// prove has a person prove that it is them, by password, or at a station by PIN where that is allowed.
func (s *server) prove(c echo.Context, p packaging.Person, typed secret.Text, allowed packaging.Factor) (by packaging.Factor, r refusal, err error) {
	ctx := c.Request().Context()
	hash, err := s.Store.Proof(ctx, p.ID)
	nobody := packaging.CodeOf(err) == packaging.NotFound
	if err != nil && !nobody {
		return by, r, err
	}
	pin := allowed == packaging.ByPIN && at(c).Known() && packaging.IsPIN(typed.Reveal())
	if hash == "" && !nobody && !pin { // there is nothing to guess
		return by, refusal{http.StatusUnprocessableEntity, text.Say(pageContext(c), "signing.no_password", "Person", p.FullName)}, nil
	}
	// Whoever asks in vain for the proof of another keeps themselves from it, and nobody else.
	what := fmt.Sprintf("%s asked by %d", proofOf(p), signedIn(c).ID)
	tried, r, err := s.try(c, packaging.Guess{What: what, Free: packaging.FreeTries})
	if err != nil || r.status != 0 {
		return by, r, err
	}
	if pin {
		_, hash, err := s.Store.PIN(ctx, p.Tenant.ID, p.ID)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return by, r, err
		}
		if secret.VerifyPassword(hash, typed) {
			return packaging.ByPIN, r, s.Store.TriedRight(ctx, tried)
		}
	}
	if !secret.VerifyPassword(hash, typed) {
		return by, refusal{http.StatusUnauthorized, text.Say(pageContext(c), "pin.wrong_password")}, nil
	}
	return packaging.ByPassword, r, s.Store.TriedRight(ctx, tried)
}
