package web

import (
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// CallbackPath takes what a provider says.
const CallbackPath = "/sso/:tenant/callback"

// CallbackURL returns the address that a provider redirects browsers to. It depends on the settings, never on a
// request.
func CallbackURL(s packaging.SingleSignOn, t packaging.Tenant) string {
	return s.Home + string(shell.SSOCallbackURL(t))
}

// TokenPrefix begins every token, so that one that was left lying about is recognised as what it is.
const TokenPrefix = "lbt_"
