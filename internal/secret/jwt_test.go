package secret

import (
	"encoding/base64"
	"testing"
	"time"
)

func TestATokenSaysWhenItExpiresOrNothing(t *testing.T) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	jwt := func(payload string) string { return part(`{"alg":"HS256"}`) + "." + part(payload) + ".c2ln" }
	for token, want := range map[string]string{
		jwt(`{"iat":1564059876,"exp":1564146276}`):   "2019-07-26T13:04:36Z",
		jwt(`{"exp":1.7985024e9}`):                   "2026-12-29T00:00:00Z",
		jwt(`{"exp":1564146276000}`):                 "", // milliseconds
		jwt(`{"exp":-5}`):                            "",
		jwt(`{"exp":"soon"}`):                        "",
		jwt(`{"iat":1564059876}`):                    "",
		jwt(`not JSON`):                              "",
		"s_ajk42KdKAhGr.7MFmcT6S8SCsCChssdhMtERSA.x": "",
		"plain": "",
		"":      "",
	} {
		got := ""
		if _, expires := TokenTimes(New(token)); !expires.IsZero() {
			got = expires.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q expires at %q, want %q", token, got, want)
		}
	}
}
