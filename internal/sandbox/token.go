package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// tokenLife is documented: exp - iat of the sample is 86,400 s.
const tokenLife = 24 * time.Hour

// payload is the payload of the documented sample token.
type payload struct {
	Key string `json:"key"`
	ID  string `json:"_id"`
	Iat int64  `json:"iat"`
	Exp int64  `json:"exp"`
}

var base64url = base64.RawURLEncoding

// newToken returns a dynamic token: a JWT, signed with HS256.
func (s *Sandbox) newToken() string {
	var id [12]byte
	rand.Read(id[:]) // never fails, by its documentation
	now := s.options.Now()
	claims, err := json.Marshal(payload{
		Key: s.options.APIKey,
		ID:  hex.EncodeToString(id[:]), // and so no two tokens are the same
		Iat: now.Unix(),
		Exp: now.Add(tokenLife).Unix(),
	})
	if err != nil {
		panic(fmt.Sprintf("sandbox: a payload has no JSON: %v", err)) // all its types have
	}
	signed := base64url.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64url.EncodeToString(claims)
	s.mu.Lock()
	defer s.mu.Unlock()
	return signed + "." + s.signature(signed)
}

// signature returns the signature of the first two parts of a token. The caller holds the lock.
func (s *Sandbox) signature(signed string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(signed))
	return base64url.EncodeToString(mac.Sum(nil))
}

// valid reports whether a token is the static one, or a dynamic one that was issued here and has not expired.
func (s *Sandbox) valid(token string) bool {
	if hmac.Equal([]byte(token), []byte(s.options.StaticToken)) {
		return true
	}
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return false
	}
	signed, signature := token[:dot], token[dot+1:]
	s.mu.Lock()
	genuine := hmac.Equal([]byte(signature), []byte(s.signature(signed)))
	s.mu.Unlock()
	if !genuine {
		return false
	}
	_, middle, _ := strings.Cut(signed, ".")
	text, err := base64url.DecodeString(middle)
	if err != nil {
		return false
	}
	var claims payload
	return json.Unmarshal(text, &claims) == nil && s.options.Now().Unix() < claims.Exp
}

// admit checks token and channel key of a call; refused is the answer where one is not in order.
func (s *Sandbox) admit(r *http.Request) (refused answer, ok bool) {
	token := r.Header.Get("X-Access-Token")
	if token == "" {
		token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	switch {
	case token == "":
		return noToken, false
	case !s.valid(token):
		return tokenRejected, false
	case r.Header.Get("X-Channel-Key") != s.options.ChannelKey:
		return wrongChannel, false
	}
	return answer{}, true
}
