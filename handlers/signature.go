package handlers

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views"
)

// SignatureStore gives the signatures under a record.
type SignatureStore interface {
	Signatures(ctx context.Context, tenant packaging.TenantID, kind string, object int64) ([]packaging.Signature, error)
}

const signingKey = "signing" // of Echo's context: why a signature was not taken

// signing is what the release of an order must be signed with, nil where the tenant wants no signature.
func (s *server) signing(c echo.Context, o packaging.Order) (*views.Signing, error) {
	rules, err := s.Store.Rules(c.Request().Context(), o.TenantID)
	if err != nil || !rules.SignReleases {
		return nil, err
	}
	content := o.ReleaseRecord().Digest()
	problem, _ := c.Get(signingKey).(string)
	form := &views.Signing{Content: hex.EncodeToString(content[:]), AtStation: at(c).Known(), Second: rules.SecondSigner, Problem: problem}
	for i := range form.Meanings {
		form.Meanings[i] = packaging.Meaning(c.FormValue(views.SignField("meaning", i+1)))
	}
	form.Username = c.FormValue("username")
	return form, nil
}

// releaseSignatures are those under an order's latest release.
func (s *server) releaseSignatures(ctx context.Context, o packaging.Order) ([]packaging.Signature, error) {
	if o.Release == nil {
		return nil, nil
	}
	return s.Store.Signatures(ctx, o.TenantID, packaging.SignedRelease, int64(o.Release.ID))
}

// signatures takes those of a form under the release of an order, where the tenant wants them. Whether the order still is
// what was shown, and whether it may be released at all, the claim sees.
func (s *server) signatures(c echo.Context, id packaging.OrderID) (signed []packaging.Signature, r refusal, err error) {
	ctx, p := c.Request().Context(), signedIn(c)
	rules, err := s.Store.Rules(ctx, p.Tenant.ID)
	if err != nil || !rules.SignReleases {
		return nil, r, err
	}
	o, err := s.Store.Order(ctx, p.Scope(), id)
	if err != nil || o.ReleaseObstacle() != packaging.NoObstacle {
		return nil, r, err
	}
	own, r, err := s.signature(c, o, p, 1)
	if err != nil || r.status != 0 || !rules.SecondSigner {
		return []packaging.Signature{own}, r, err
	}
	second, r, err := s.secondSigner(c, o)
	if err != nil || r.status != 0 {
		return nil, r, err
	}
	theirs, r, err := s.signature(c, o, second, 2)
	return []packaging.Signature{own, theirs}, r, err
}

// secondSigner is whom the form names as the second person, who may release on the order's line and is not the first.
func (s *server) secondSigner(c echo.Context, o packaging.Order) (p packaging.Person, r refusal, err error) {
	ctx := c.Request().Context()
	user, _, err := s.Store.Credential(ctx, strings.TrimSpace(c.FormValue("username")))
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return p, r, err
	}
	if user == signedIn(c).ID {
		r, err = s.declined(c, o, signedIn(c).Author, "same_person")
		return p, r, err
	}
	memberships, err := s.Store.Memberships(ctx, user)
	if err != nil {
		return p, r, err
	}
	for _, m := range memberships {
		if m.Tenant.ID != o.TenantID {
			continue
		}
		m.Station = signedIn(c).Station
		if !m.MayOn(packaging.ReleaseOrders, o.Line.ID) {
			r, err = s.declined(c, o, m.Author, "may_not")
		}
		return m, r, err
	}
	// Somebody who does not exist is told as a wrong password is.
	r, err = s.declined(c, o, signedIn(c).Author, "wrong_second")
	return p, r, err
}

// signature takes the signature of one person of the form.
func (s *server) signature(c echo.Context, o packaging.Order, p packaging.Person, place int) (signed packaging.Signature, r refusal, err error) {
	meaning := packaging.Meaning(c.FormValue(views.SignField("meaning", place)))
	if !slices.Contains(packaging.Meanings[place], meaning) {
		return signed, refusal{http.StatusUnprocessableEntity, text.Say(pageContext(c), "signing.no_meaning")}, nil
	}
	factor, r, err := s.prove(c, p, secret.New(c.FormValue(views.SignField("secret", place))), packaging.ByPIN)
	if err != nil {
		return signed, r, err
	}
	if r.status == http.StatusUnauthorized {
		reason := "wrong"
		if place == 2 {
			reason = "wrong_second"
		}
		r, err = s.declined(c, o, p.Author, reason)
		return signed, r, err
	}
	shown, _ := hex.DecodeString(c.FormValue("content")) // what is no digest is not the order's
	signed = packaging.Signature{By: p.Author, Meaning: text.Say(pageContext(c), "meaning."+string(meaning)), Factor: factor}
	copy(signed.Content[:], shown)
	return signed, r, nil
}

// declined keeps that a signature was not taken, and says why.
func (s *server) declined(c echo.Context, o packaging.Order, by packaging.Author, reason string) (refusal, error) {
	err := s.Store.Record(c.Request().Context(), packaging.Entry{
		TenantID: o.TenantID, By: by, Deed: packaging.SignDeclined, OrderID: o.ID, OrderKey: o.Key,
		LineCode: o.Line.Code, LineName: o.Line.Name, Reason: reason,
	})
	return refusal{http.StatusUnprocessableEntity, text.Say(pageContext(c), "sign_declined."+reason)}, err
}

// prove has a person prove that it is them, by password, or at a station by PIN where that is allowed.
func (s *server) prove(c echo.Context, p packaging.Person, typed secret.Text, allowed packaging.Factor) (by packaging.Factor, r refusal, err error) {
	ctx := c.Request().Context()
	what := fmt.Sprintf("proof of %d", p.ID)
	if r, err = s.try(c, what); err != nil || r.status != 0 {
		return by, r, err
	}
	if allowed == packaging.ByPIN && at(c).Known() && packaging.IsPIN(typed.Reveal()) {
		_, hash, err := s.Store.PIN(ctx, p.Tenant.ID, p.ID)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return by, r, err
		}
		if secret.VerifyPassword(hash, typed) {
			return packaging.ByPIN, r, s.Store.TriedRight(ctx, what)
		}
	}
	_, hash, err := s.Store.Credential(ctx, p.Username)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return by, r, err
	}
	if !secret.VerifyPassword(hash, typed) {
		return by, refusal{http.StatusUnauthorized, text.Say(pageContext(c), "pin.wrong_password")}, nil
	}
	return packaging.ByPassword, r, s.Store.TriedRight(ctx, what)
}
