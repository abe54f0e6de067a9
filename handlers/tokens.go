package handlers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// TokenStore keeps API tokens, under the hash of their value.
type TokenStore interface {
	Tokens(ctx context.Context, tenant packaging.TenantID) ([]packaging.Token, error)
	CreateToken(ctx context.Context, by packaging.Person, k packaging.Token, hash [32]byte) error
	RevokeToken(ctx context.Context, by packaging.Person, id packaging.TokenID) error
	TokenOf(ctx context.Context, hash [32]byte) (packaging.Token, packaging.Tenant, error)
	TouchToken(ctx context.Context, id packaging.TokenID) error
}

// tokenPrefix begins every token, so that one that was left lying about is recognised as what it is.
const tokenPrefix = "lbt_"

func (s *server) tokens(c echo.Context) error {
	return s.showTokens(c, http.StatusOK, adminviews.TokensPage{})
}

func (s *server) showTokens(c echo.Context, status int, page adminviews.TokensPage) error {
	ctx, p := c.Request().Context(), signedIn(c)
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "tokens.title"))
	if err != nil {
		return err
	}
	if page.Tokens, err = s.Store.Tokens(ctx, p.Tenant.ID); err != nil {
		return err
	}
	if page.Lines, err = s.Store.Lines(ctx, p.Scope()); err != nil {
		return err
	}
	return render(c, status, adminviews.Tokens(f, page))
}

// createToken makes a token and shows its value, this once.
func (s *server) createToken(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	lines, err := s.Store.Lines(ctx, p.Scope())
	if err != nil {
		return err
	}
	form, k, wrong, err := s.tokenForm(c, lines)
	if err != nil {
		return err
	}
	if wrong != "" {
		form.Problem = text.Say(ctx, wrong)
		return s.showTokens(c, http.StatusUnprocessableEntity, adminviews.TokensPage{Form: form})
	}
	random := make([]byte, 32)
	rand.Read(random)
	value := tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	err = s.Store.CreateToken(ctx, p, k, sha256.Sum256([]byte(value)))
	if packaging.CodeOf(err) == packaging.Conflict {
		form.Problem = text.Say(ctx, "tokens.name_taken")
		return s.showTokens(c, http.StatusConflict, adminviews.TokensPage{Form: form})
	}
	if err != nil {
		return err
	}
	return s.showTokens(c, http.StatusOK, adminviews.TokensPage{Form: form, Fresh: value})
}

// tokenForm reads the token that is asked for; wrong is the key of what is wrong with it.
func (s *server) tokenForm(c echo.Context, lines []packaging.Line) (form adminviews.TokenForm, k packaging.Token, wrong string, err error) {
	form = adminviews.TokenForm{Name: strings.TrimSpace(c.FormValue("name")), Until: c.FormValue("until")}
	k.Name = form.Name
	sent, err := c.FormParams()
	if err != nil {
		return form, k, "", packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	for _, code := range sent["line"] {
		at := slices.IndexFunc(lines, func(l packaging.Line) bool { return l.Code == code })
		if at < 0 {
			return form, k, "", packaging.Fail(packaging.Invalid, "error.invalid")
		}
		if !slices.Contains(k.Lines, lines[at]) {
			k.Lines = append(k.Lines, lines[at])
			form.Lines = append(form.Lines, lines[at].ID)
		}
	}
	if len(k.Lines) == 0 && len(signedIn(c).Lines) > 0 {
		k.Lines = lines // nobody lets a program do more than they see
	}
	if form.Until != "" {
		day, err := time.ParseInLocation(time.DateOnly, form.Until, signedIn(c).Tenant.Location())
		k.Expires = day.AddDate(0, 0, 1) // that day is still valid
		if err != nil || !k.Expires.After(s.Now()) {
			return form, k, "tokens.bad_date", nil
		}
	}
	if !packaging.ValidTokenName(k.Name) {
		return form, k, "tokens.bad_name", nil
	}
	return form, k, "", nil
}

func (s *server) revokeToken(c echo.Context) error {
	id, err := pathNumber(c)
	if err != nil {
		return err
	}
	if err := s.Store.RevokeToken(c.Request().Context(), signedIn(c), packaging.TokenID(id)); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.TokensURL()))
}
