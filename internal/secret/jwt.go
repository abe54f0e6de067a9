package secret

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// maxTokenTime is the last second that a token can name, that of the year 9999: what is later is no time in seconds.
const maxTokenTime = 253402300799

// TokenTimes returns when a token says that it was issued and that it expires. Each is zero where the token does not
// say it, as where it is no JWT. The signature is not checked: who issued the token knows better.
func TokenTimes(token Text) (issued, expires time.Time) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return issued, expires
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return issued, expires
	}
	var claims struct{ Iat, Exp json.Number }
	if json.Unmarshal(payload, &claims) != nil {
		return issued, expires
	}
	return tokenTime(claims.Iat), tokenTime(claims.Exp)
}

func tokenTime(n json.Number) time.Time {
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 || seconds > maxTokenTime {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000)).UTC()
}
