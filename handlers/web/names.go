package web

// CallbackPath takes what a provider says.
const CallbackPath = "/sso/:tenant/callback"

// TokenPrefix begins every token, so that one that was left lying about is recognised as what it is.
const TokenPrefix = "lbt_"
