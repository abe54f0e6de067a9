package manufacturer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
)

func TestOrder143GivesItsElevenSerialsAndThenIsInProgress(t *testing.T) {
	for _, kind := range []TokenKind{Dynamic, Static} {
		for _, header := range []TokenHeader{AccessToken, Bearer} {
			t.Run(fmt.Sprintf("%s token in %s", kind, header), func(t *testing.T) {
				c, s := withSandbox(t, func(c *Config) { c.TokenKind, c.TokenHeader = kind, header })
				want := packaging.Answer{
					Outcome: packaging.Released,
					Serials: []string{
						"4YSr5oYFKHwP", "bfFWAkNskIGR", "ETf8EogkSTtG", "BrKTwt7I2z0B", "ZE7AvUzb6fra", "iPoDDim08FwD",
						"NaneKmnCbXnu", "3KSjlUHLmLfs", "VEkGqLjda5iy", "2TIGJ9lgHAcg", "oPJvpdZwmget",
					},
					Message: "Packaging order released", HTTPStatus: 200,
				}
				if diff := cmp.Diff(want, order143(t, c)); diff != "" {
					t.Error(diff)
				}
				want = packaging.Answer{
					Outcome: packaging.Refused, Reason: packaging.WrongStatus, Status: packaging.InProgress,
					Message: "Packaging order Order143 is in status: In progress", HTTPStatus: 409,
				}
				if diff := cmp.Diff(want, order143(t, c)); diff != "" {
					t.Error(diff)
				}
				if n := len(s.Released()); n != 1 {
					t.Errorf("carried out %d times", n)
				}
				signIns := map[TokenKind]int{Dynamic: 1, Static: 0}[kind]
				if got := s.Calls()[sandbox.SignIn]; got != signIns {
					t.Errorf("signed in %d times", got)
				}
			})
		}
	}
}

func TestAReleaseIsSentAsDocumented(t *testing.T) {
	c, s := static(t, says(200, `{"success":true,"message":"","data":[]}`))
	const key = `<Order> & "143" ü`
	if a := c.ReleaseToLine(t.Context(), key); a.Outcome != packaging.Released || len(a.Serials) != 0 {
		t.Errorf("answer %v", a)
	}
	r := s.last.Load()
	if r.Method != "PATCH" || r.URL.String() != "/v1/manufacturer/v2/api/packaging_order/release_to_line" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	if want := `{"order_id":"<Order> & \"143\" ü"}`; *s.sent.Load() != want {
		t.Errorf("sent %s", *s.sent.Load())
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Access-Token": sandbox.StaticToken, "X-Channel-Key": sandbox.ChannelKey,
		"Idempotency-Key": "", "X-Idempotency-Key": "", "Authorization": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// answers are those of a release and what they mean. A release with any of them is sent once.
var answers = []struct {
	name   string
	status int
	body   string
	want   packaging.Answer // without Body and HTTPStatus; its empty Message is not compared
}{
	{
		"success with the documented shape", 200,
		`{"success": true, "message": "Packaging order released", "data": ["a", "B"]}`,
		packaging.Answer{Outcome: packaging.Released, Serials: []string{"a", "B"}, Message: "Packaging order released"},
	},
	{
		"success without serials", 200, `{"success":true,"data":[ ]}`,
		packaging.Answer{Outcome: packaging.Released, Serials: []string{}},
	},
	{
		"serials with escapes, commas and brackets", 201,
		`{"data":["a\"b","\u00e9\ud83d\ude00","x,y","]}"," s "],"success":true}`,
		packaging.Answer{Outcome: packaging.Released, Serials: []string{`a"b`, "é😀", "x,y", "]}", " s "}},
	},
	{
		"a byte order mark before it", 200, "\ufeff{\"success\":true,\"data\":[\"a\"]}",
		packaging.Answer{Outcome: packaging.Released, Serials: []string{"a"}},
	},

	{
		"no token", 401, `{"success":false,"message":"No token provided","code":"ERR0001"}`,
		packaging.Answer{
			Outcome: packaging.Refused, Reason: packaging.NoToken, Code: "ERR0001", Message: "No token provided",
		},
	},
	{
		"token rejected", 403, `{"success":false,"message":"Failed to authenticate token","errorCode":"ERR0000"}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.TokenRejected, Code: "ERR0000"},
	},
	{
		"token rejected by message alone, in 200", 200, `{"success":false,"message":" failed to authenticate TOKEN. "}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.TokenRejected},
	},
	{
		"token rejected by code alone, in an error object", 500, `{"error":{"code":"err0000","message":"Nope"}}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.TokenRejected, Code: "err0000", Message: "Nope"},
	},
	{
		"code before message", 400, `{"success":false,"message":"Packaging order not found","error_code":"ERR0001"}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NoToken, Code: "ERR0001"},
	},
	{
		"channel", 400, `{"success":false,"message":"Channel ID is missing or it needs to be in correct format"}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.ChannelKey},
	},
	{
		"body not parsed", 400, `{"message":"Request body could not be parsed."}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.BodyNotParsed},
	},
	{
		"not valid, with details", 422,
		`{"success":false,"message":"Validation error","details":[ {"field": "order_id"} ]}`,
		packaging.Answer{
			Outcome: packaging.Refused, Reason: packaging.NotValid, Message: `Validation error [{"field":"order_id"}]`,
		},
	},
	{
		"not found", 404, `{"success":false,"error":{"message":"Packaging order not found"}}`,
		packaging.Answer{
			Outcome: packaging.Refused, Reason: packaging.OrderNotFound, Message: "Packaging order not found",
		},
	},
	{
		"not found, as error text, behind another message", 404,
		`{"success":false,"message":"Sorry","error":"Packaging order not found"}`,
		packaging.Answer{
			Outcome: packaging.Refused, Reason: packaging.OrderNotFound, Message: "Packaging order not found",
		},
	},
	{
		"wrong status", 400, `{"success":false,"message":"Packaging order Order143 is in status: Suspended"}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.WrongStatus, Status: packaging.Suspended},
	},
	{
		"wrong status in other spelling, in 500", 500,
		`{"message":"packaging order Order143 is in status: in_progress."}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.WrongStatus, Status: packaging.InProgress},
	},
	{
		"wrong status that is not documented", 400,
		`{"success":false,"message":"Packaging order Order143 is in status: On Hold"}`,
		packaging.Answer{Outcome: packaging.Refused, Reason: packaging.WrongStatus, Status: "On Hold"},
	},
	{
		"the status of another order", 409, `{"success":false,"message":"Packaging order OTHER-9 is in status: Done"}`,
		packaging.Answer{
			Outcome: packaging.Unknown, Reason: packaging.OtherRefusal,
			Message: "Packaging order OTHER-9 is in status: Done",
		},
	},
	{
		"the status that a release wants", 409,
		`{"success":false,"message":"Packaging order Order143 is in status: Pending release"}`,
		packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.OtherRefusal},
	},
	{
		"no confirmation", 409, `{"success":false,"message":"Line controller did not confirm in time"}`,
		packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.OtherRefusal},
	},
	{"a time-out in words of a proxy", 408, `{"message":"Request Timeout"}`, unknown(packaging.Unreadable)},
	{
		"another no", 400, `{"success":false,"message":"Line is busy","code":17}`,
		packaging.Answer{
			Outcome: packaging.Unknown, Reason: packaging.OtherRefusal, Message: "Line is busy", Code: "17",
		},
	},
	{
		"another no in 200", 200, `{"success":false}`,
		packaging.Answer{
			Outcome: packaging.Unknown, Reason: packaging.OtherRefusal, Message: "HTTP 200 without a message",
		},
	},
	{
		"throttled", 429, `{"success":false,"message":"Too many requests"}`,
		packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Throttled, Message: "Too many requests"},
	},
	{
		"throttled with a page", 429, `<html>`,
		packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Throttled},
	},

	{
		"server error", 500, `{"success":false,"message":"Internal server error"}`,
		packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.ServerError, Message: "Internal server error"},
	},
	{"server error with a page", 502, `<html>Bad gateway</html>`, unknown(packaging.ServerError)},
	{"success in a server error", 500, `{"success":true,"data":["a"]}`, unknown(packaging.Unreadable)},
	{"success in a 404", 404, `{"success":true,"data":["a"]}`, unknown(packaging.Unreadable)},
	{"a page", 200, `<html>`, unknown(packaging.Unreadable)},
	{"a 403 page", 403, `<html>`, unknown(packaging.Unreadable)},
	{"empty", 200, ``, unknown(packaging.Unreadable)},
	{"no content", 204, ``, unknown(packaging.Unreadable)},
	{"cut-off JSON", 200, `{"success":true,"data":["a","b`, unknown(packaging.Unreadable)},
	{
		"two answers in one", 200, `{"success":true,"data":["a"]}{"success":true,"data":["b"]}`,
		unknown(packaging.Unreadable),
	},
	{"a list", 200, `["a"]`, unknown(packaging.Unreadable)},
	{"a number", 200, `1`, unknown(packaging.Unreadable)},
	{"null", 200, `null`, unknown(packaging.Unreadable)},
	{"success alone", 200, `{"success":true}`, unknown(packaging.Unreadable)},
	{"success as text", 200, `{"success":"true","data":["a"]}`, unknown(packaging.Unreadable)},
	{"success missing", 200, `{"data":["a"]}`, unknown(packaging.Unreadable)},
	{"success twice", 200, `{"success":false,"success":true,"data":["a"]}`, unknown(packaging.Unreadable)},
	{"data twice", 200, `{"success":true,"data":["a"],"data":["b"]}`, unknown(packaging.Unreadable)},
	{"data as an object", 200, `{"success":true,"data":{"serials":["a"]}}`, unknown(packaging.Unreadable)},
	{"data as null", 200, `{"success":true,"data":null}`, unknown(packaging.Unreadable)},
	{"a serial that is a number", 200, `{"success":true,"data":["a",1]}`, unknown(packaging.Unreadable)},
	{"a serial that is null", 200, `{"success":true,"data":["a",null]}`, unknown(packaging.Unreadable)},
	{"a serial that is not UTF-8", 200, "{\"success\":true,\"data\":[\"a\xff\"]}", unknown(packaging.Unreadable)},
	{"a serial with half a surrogate pair", 200, `{"success":true,"data":["a\ud83d"]}`, unknown(packaging.Unreadable)},
	{"a serial with the other half", 200, `{"success":true,"data":["\\\ude00"]}`, unknown(packaging.Unreadable)},
	{"a redirect", 307, `{"success":true,"data":["a"]}`, unknown(packaging.Unreadable)},
	{"a 4xx that does not say success", 400, `{"message":"Hm"}`, unknown(packaging.Unreadable)},
}

func TestTheStatusInAMessageIsOfTheOrderThatItNamesExactly(t *testing.T) {
	for _, c := range []struct {
		key, message string
		want         packaging.Status
	}{
		{
			"A is in status: Done", "Packaging order A is in status: Done is in status: In progress",
			packaging.InProgress,
		},
		{"A", "Packaging order A is in status: Done is in status: In progress", ""},
		{"1\n2", "Packaging order 1\n2 is in status: Open", packaging.Open},
		{" A ", "Packaging order  A  is in status: Open.", packaging.Open},
		{"A", "Packaging order  A  is in status: Open", ""},
		{"A", "Packaging order a is in status: Open", ""},
		{"Order14", "Packaging order Order143 is in status: Open", ""},
		{"Order143", "Packaging order Order14 is in status: Open", ""},
		{"Order143", "Packaging order Order143 is in status:", ""},
		{"Order143", "Order143 is in status: Open", ""},
		{"", "Packaging order  is in status: Open", packaging.Open},
	} {
		if got, ok := statusIn(trimMessage(c.message), c.key); got != c.want || ok != (c.want != "") {
			t.Errorf("order %q in %q: %q, %v", c.key, c.message, got, ok)
		}
	}
}

func unknown(r packaging.Reason) packaging.Answer {
	return packaging.Answer{Outcome: packaging.Unknown, Reason: r}
}

func TestReleaseAnswersAreSorted(t *testing.T) {
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			client, s := static(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				says(c.status, c.body)(w, r)
			})
			got := order143(t, client)
			want := c.want
			want.HTTPStatus = c.status
			if want.Message == "" {
				want.Message = got.Message
			}
			if want.Outcome == packaging.Unknown {
				want.Body = []byte(c.body)
			}
			if got.Body == nil {
				got.Body = want.Body
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if want.Outcome != packaging.Released && got.Message == "" {
				t.Error("no message")
			}
			if n := s.patches.Load(); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestFaultsDuringAReleaseAreSortedAndItIsSentOnce(t *testing.T) {
	for _, c := range []struct {
		kind    sandbox.Kind
		outcome packaging.Outcome
		reason  packaging.Reason
		done    bool
	}{
		{sandbox.Delay, packaging.Released, packaging.NoReason, true},
		{sandbox.CutBefore, packaging.Unknown, packaging.Cut, false},
		{sandbox.CutAfter, packaging.Unknown, packaging.Cut, true},
		{sandbox.ErrorBefore, packaging.Unknown, packaging.ServerError, false},
		{sandbox.ErrorAfter, packaging.Unknown, packaging.ServerError, true},
		{sandbox.CutJSON, packaging.Unknown, packaging.Unreadable, true},
		{sandbox.CutBody, packaging.Unknown, packaging.Cut, true},
		{sandbox.HTML, packaging.Unknown, packaging.Unreadable, false},
		{sandbox.HTMLAfter, packaging.Unknown, packaging.Unreadable, true},
		{sandbox.Empty, packaging.Unknown, packaging.Unreadable, true},
		{sandbox.WrongType, packaging.Unknown, packaging.Unreadable, true},
		{sandbox.Forbidden, packaging.Unknown, packaging.Unreadable, false},
		{sandbox.Throttle, packaging.Unknown, packaging.Throttled, false},
		{sandbox.RefuseAfter, packaging.Unknown, packaging.OtherRefusal, true},
		{sandbox.OtherOrder, packaging.Unknown, packaging.OtherRefusal, true},
		{sandbox.PushRefused, packaging.Unknown, packaging.Cut, false},
	} {
		for _, reused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, connection in use before: %v", c.kind, reused), func(t *testing.T) {
				client, s := withSandbox(t, func(c *Config) {
					if reused { // as a transport of others would have it
						c.Transport = &http.Transport{}
					}
				})
				if _, _, err := client.Open(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: c.kind, Times: 1})
				a := order143(t, client)
				if a.Outcome != c.outcome || a.Reason != c.reason {
					t.Errorf("answer %v: %s", a, a.Message)
				}
				if c.kind == sandbox.CutBody && !strings.HasPrefix(string(a.Body), `{"success":true`) {
					t.Errorf("body %q", a.Body)
				}
				if done := len(s.Released()) == 1; done != c.done {
					t.Errorf("done %v", done)
				}
				if n := s.Calls()[sandbox.ReleaseToLine]; n != 1 {
					t.Errorf("sent %d times", n)
				}
			})
		}
	}
}

func TestAReleaseThatTakesTooLongIsUnknown(t *testing.T) {
	t.Run("by the limit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, _ := under(t, only("release_to_line", hanging))
			began := time.Now()
			if a := order143(t, c); a.Outcome != packaging.Unknown || a.Reason != packaging.TimedOut || a.HTTPStatus != 0 ||
				time.Since(began) != c.limits.Release {
				t.Errorf("answer %v after %s: %s", a, time.Since(began), a.Message)
			}
		})
	})
	t.Run("in the middle of the answer", func(t *testing.T) {
		const half = `{"success":true,"data":["a"`
		synctest.Test(t, func(t *testing.T) {
			c, _ := under(t, func(r *http.Request) (*http.Response, error) {
				body := io.MultiReader(strings.NewReader(half), silence{r.Context()})
				return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
			})
			if a := order143(t, c); a.Reason != packaging.TimedOut || string(a.Body) != half || a.HTTPStatus != 200 {
				t.Errorf("answer %v: %s", a, a.Body)
			}
		})
	})
}

// silence is a reader of a body that does not go on.
type silence struct{ of context.Context }

func (s silence) Read([]byte) (int, error) {
	<-s.of.Done()
	return 0, s.of.Err()
}

func TestAReleaseThatIsSentKeepsItsLimitWhenItsCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, s := static(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		time.Sleep(50 * time.Millisecond) // longer than a cancelled call would last
		says(200, `{"success":true,"data":["a"]}`)(w, r)
	})
	if a := c.ReleaseToLine(ctx, "Order143"); a.Outcome != packaging.Released || s.patches.Load() != 1 {
		t.Errorf("answer %v: %s, sent %d times", a, a.Message, s.patches.Load())
	}
}

func TestNothingOfAReleaseIsBegunOnceItsCallerGaveUp(t *testing.T) {
	t.Run("after a rejected token", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var signIns, releases atomic.Int64
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/api_auth" {
				signIns.Add(1)
				says(200, `{"success":true,"token":"a-token"}`)(w, r)
				return
			}
			releases.Add(1)
			cancel()
			says(401, `{"success":false,"error":{"code":"ERR0000","message":"Token is not valid"}}`)(w, r)
		})
		c := newClient(t, config(s.URL))
		a := c.ReleaseToLine(ctx, "Order143")
		c.tokens.mu.Lock()
		defer c.tokens.mu.Unlock()
		if a.Outcome != packaging.Refused || signIns.Load() != 1 || releases.Load() != 1 || c.tokens.renewal != nil {
			t.Errorf("answer %v, %d sign-ins, %d releases", a, signIns.Load(), releases.Load())
		}
	})
	t.Run("where no connection was made", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api := under(t, unreachable)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			began := time.Now()
			a := c.ReleaseToLine(ctx, "Order143")
			if a.Outcome != packaging.Refused || len(api.at("release_to_line")) != 1 ||
				time.Since(began) != 100*time.Millisecond {
				t.Errorf("answer %v after %s, tried at %s", a, time.Since(began), api.at("release_to_line"))
			}
		})
	})
}

func TestAReleaseThatWasNotSentIsRefused(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.Config.ErrorLog = quiet()
	secured.StartTLS() // with a certificate that nobody trusts
	defer secured.Close()
	for _, c := range []struct{ name, url string }{
		{"nobody listens", gone.URL},
		{"the name is unknown", "https://nowhere.invalid"},
		{"the certificate is not trusted", secured.URL},
		{"there is no TLS", strings.Replace(answering(t, says(200, "")).URL, "http:", "https:", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(c.url)
			cfg.TokenKind = Static
			a := order143(t, newClient(t, cfg))
			if a.Outcome != packaging.Refused || a.Reason != packaging.NotConnected || a.Message == "" {
				t.Errorf("answer %v: %s", a, a.Message)
			}
		})
	}
	t.Run("its caller had gone before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, kind := range []TokenKind{Dynamic, Static} {
			c, s := withSandbox(t, func(c *Config) { c.TokenKind = kind })
			if a := c.ReleaseToLine(ctx, "Order143"); a.Outcome != packaging.Refused ||
				a.Reason != packaging.NotConnected {
				t.Errorf("%s token: answer %v", kind, a)
			}
			if n := s.Calls()[sandbox.ReleaseToLine]; n != 0 {
				t.Errorf("sent %d times", n)
			}
		}
	})
	t.Run("its order ID is no text", func(t *testing.T) {
		c, s := static(t, says(200, `{"success":true,"data":[]}`))
		if a := c.ReleaseToLine(t.Context(), "a\xff"); a.Outcome != packaging.Refused ||
			a.Reason != packaging.NotValid || s.patches.Load() != 0 {
			t.Errorf("answer %v", a)
		}
	})
	t.Run("but a transport that does not tell proves nothing", func(t *testing.T) {
		cfg := config("https://api.test")
		cfg.TokenKind = Static
		cfg.Transport = transport(func(*http.Request) (*http.Response, error) { return nil, http.ErrHandlerTimeout })
		if a := order143(t, newClient(t, cfg)); a.Outcome != packaging.Unknown || a.Reason != packaging.Cut {
			t.Errorf("answer %v", a)
		}
	})
}
