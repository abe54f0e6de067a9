package admin

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

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Tokens shows and sets the tokens of programs.
type Tokens struct {
	*web.Kit
	Store TokensStore
}

// TokensStore is what Tokens needs of the database.
type TokensStore interface {
	CreateToken(ctx context.Context, by packaging.Person, k packaging.Token, hash [32]byte) error
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	RevokeToken(ctx context.Context, by packaging.Person, id packaging.TokenID) error
	Tokens(ctx context.Context, tenant packaging.TenantID) ([]packaging.Token, error)
}

// List lists the tokens.
func (s *Tokens) List(c echo.Context) error {
	return s.show(c, http.StatusOK, view.TokensPage{})
}

func (s *Tokens) show(c echo.Context, status int, page view.TokensPage) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "tokens.title"))
	if err != nil {
		return err
	}
	if page.Tokens, err = s.Store.Tokens(ctx, p.Tenant.ID); err != nil {
		return err
	}
	if page.Lines, err = s.Store.Lines(ctx, p.Scope()); err != nil {
		return err
	}
	return web.Render(c, status, view.Tokens(f, page))
}

// Create makes a token and shows its value, this once.
func (s *Tokens) Create(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
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
		return s.show(c, http.StatusUnprocessableEntity, view.TokensPage{Form: form})
	}
	random := make([]byte, 32)
	rand.Read(random)
	value := web.TokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	err = s.Store.CreateToken(ctx, p, k, sha256.Sum256([]byte(value)))
	if packaging.CodeOf(err) == packaging.Conflict {
		form.Problem = web.FormError(ctx, err)
		return s.show(c, http.StatusConflict, view.TokensPage{Form: form})
	}
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, view.TokensPage{Form: form, Fresh: value})
}

// tokenForm reads the token that is asked for; wrong is the key of what is wrong with it.
func (s *Tokens) tokenForm(
	c echo.Context, lines []packaging.Line,
) (form view.TokenForm, k packaging.Token, wrong string, err error) {
	form = view.TokenForm{Name: strings.TrimSpace(c.FormValue("name")), Until: text.PlainDate(c.FormValue("until"))}
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
	for _, scope := range sent["scope"] {
		if at := slices.Index(packaging.TokenScopes, packaging.TokenScope(scope)); at >= 0 &&
			!k.Has(packaging.TokenScopes[at]) {
			k.Scopes = append(k.Scopes, packaging.TokenScopes[at])
		}
	}
	form.Scopes = k.Scopes
	if len(k.Scopes) == 0 {
		return form, k, "tokens.no_scope", nil
	}
	if len(k.Lines) == 0 && len(web.SignedIn(c).Lines) > 0 {
		k.Lines = lines // nobody lets a program do more than they see
	}
	if form.Until != "" {
		day, err := time.ParseInLocation(time.DateOnly, form.Until, web.SignedIn(c).Tenant.Location())
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

// Revoke ends a token.
func (s *Tokens) Revoke(c echo.Context) error {
	id, err := web.PathID[packaging.TokenID](c, "id")
	if err != nil {
		return err
	}
	if err := s.Store.RevokeToken(c.Request().Context(), web.SignedIn(c), id); err != nil {
		return err
	}
	return web.SeeOther(c, shell.TokensURL())
}
