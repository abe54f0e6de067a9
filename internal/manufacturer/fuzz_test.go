package manufacturer

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"lineboard/internal/packaging"
)

// documentedSuccess reads the documented success with the standard library, as a second opinion.
func documentedSuccess(status int, body []byte) ([]string, bool) {
	var top map[string]json.RawMessage
	if status/100 != 2 || !utf8.Valid(body) || json.Unmarshal(body, &top) != nil {
		return nil, false
	}
	var success, serials any
	if json.Unmarshal(top["success"], &success) != nil || json.Unmarshal(top["data"], &serials) != nil {
		return nil, false
	}
	list, ok := serials.([]any)
	if success != true || !ok {
		return nil, false
	}
	texts := []string{}
	for _, serial := range list {
		text, ok := serial.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

func FuzzReleaseAnswer(f *testing.F) {
	for _, a := range answers {
		f.Add(a.status, a.body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		a := played(t, status, body).ReleaseToLine(t.Context(), "Order143")
		switch a.Outcome {
		case packaging.Released:
			want, ok := documentedSuccess(status, []byte(body))
			if body[0] == 0xef { // a byte order mark
				want, ok = documentedSuccess(status, []byte(body[3:]))
			}
			if !ok || !slices.Equal(a.Serials, want) {
				t.Errorf("released with %q", a.Serials)
			}
		case packaging.Refused:
			if _, released := documentedSuccess(status, []byte(body)); released && status != 429 {
				t.Errorf("refused with %s", a.Reason)
			}
			if a.Reason == packaging.NoReason || a.Body != nil {
				t.Errorf("answer %v", a)
			}
		case packaging.Unknown:
			if string(a.Body) != body || a.Reason == packaging.NoReason {
				t.Errorf("body %q, %v", a.Body, a)
			}
		default:
			t.Errorf("outcome %q", a.Outcome)
		}
		if !utf8.ValidString(a.Message) || utf8.RuneCountInString(a.Message) > maxMessage {
			t.Errorf("message %q", a.Message)
		}
	})
}

func FuzzOpenAnswer(f *testing.F) {
	for _, body := range []string{
		`[]`, `{"success":true,"data":[{"order_id":"O1","line":{"code":"L1"},"quantity":"10.0","expiry":"270500"}]}`,
		`{"data":{"orders":[{"id":1},{"id":1},7,null]}}`, `{"success":false,"message":"x"}`,
		`{"order_id":"O1","lot":"\ud800"}`,
		`{"data":{"order":{"name":"O1","status":{"name":"Done"}}}}`, "{\"data\":[{\"id\":\"\xff\"}]}", `[1]`,
		` [ { } , [ ] ] `,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := played(t, 200, body)
		orders, _, err := c.Open(t.Context())
		if err != nil && orders != nil {
			t.Error("orders and an error")
		}
		seen := map[string]bool{}
		for _, o := range orders {
			if o.Key == "" || seen[o.Key] || !utf8.ValidString(o.Key) || !json.Valid(o.Raw) {
				t.Errorf("order %+v", o)
			}
			seen[o.Key] = true
		}
		if facts, err := c.Details(t.Context(), "O1"); err == nil && facts.Key != "O1" {
			t.Errorf("details %+v", facts)
		}
	})
}

func FuzzToken(f *testing.F) {
	for _, text := range []string{
		"", "a.b.c", "..", token(`{"iat":1564059876,"exp":1564146276}`), token(`{"exp":"1e400"}`),
		token(`{"iat":-1e300,"exp":1e-300}`),
		`{"success":true,"token":"x"}`, `{"success":true,"data":{"token":"x y"}}`, `{"token":{"token":1}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d := untilRenewal(text, noon); d <= 0 && len(text) < 100 || d < 0 || d >= 24*time.Hour {
			t.Errorf("renewed after %s", d)
		}
		c := played(t, 200, text)
		signedIn, p := c.signIn(t.Context())
		if p == nil && (signedIn.Empty() || !fitsHeader(signedIn.Reveal())) {
			t.Error("a token that no header can carry")
		}
		if p != nil && p.Reason != packaging.SignInFailed && p.Reason != packaging.SignInRejected {
			t.Errorf("reason %s", p.Reason)
		}
	})
}
