package web

import (
	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// CallbackPath takes what a provider says.
const CallbackPath = "/sso/:tenant/callback"

// CallbackURL is the address that a provider sends browsers back to. It is made of what is set, never of what a request says.
func CallbackURL(s packaging.SingleSignOn, t packaging.Tenant) string {
	return s.Home + string(shell.SSOCallbackURL(t))
}

// TokenPrefix begins every token, so that one that was left lying about is recognised as what it is.
const TokenPrefix = "lbt_"
