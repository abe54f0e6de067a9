package manufacturer

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"lineboard/internal/packaging"
)

// within reports whether times are at the given ones, or earlier by up to a fifth of each pause.
func within(got []time.Duration, want ...time.Duration) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] > want[i] || got[i] < want[i]*4/5 {
			return false
		}
	}
	return true
}

func TestReadsAndSignInAreTriedThreeTimesWithGrowingPauses(t *testing.T) {
	for name, call := range map[string]func(*Client) packaging.Reason{
		"open": open, "details": details, "api_auth": open,
	} {
		for reason, w := range map[packaging.Reason]weather{
			packaging.NotConnected: unreachable, packaging.Cut: cutting, packaging.ServerError: answer(503, "<html>"),
			packaging.Throttled: answer(429, "{}"),
		} {
			t.Run(name+" "+string(reason), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					kind, want := Static, reason
					if name == "api_auth" {
						kind, want = Dynamic, packaging.SignInFailed
					}
					c, api := underAs(t, kind, only(name, w))
					if got := call(c); got != want {
						t.Errorf("reason %s", got)
					}
					if got := api.at(name); !within(got, 0, 500*time.Millisecond, 1500*time.Millisecond) {
						t.Errorf("tried at %s", got)
					}
				})
			})
		}
	}
}

func TestWhatDoesNotPassIsNotTriedAgain(t *testing.T) {
	for reason, w := range map[packaging.Reason]weather{
		packaging.TimedOut: hanging, packaging.Unreadable: answer(403, "<html>"),
		packaging.OrderNotFound: answer(404, `{"message":"Packaging order not found"}`),
		packaging.OtherRefusal:  answer(400, `{"success":false}`),
		packaging.TokenRejected: answer(401, `{"code":"ERR0000"}`),
	} {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, api := under(t, w)
				if got := details(c); got != reason || len(api.at("details")) != 1 {
					t.Errorf("reason %s, tried at %s", got, api.at("details"))
				}
				if a := c.ReleaseToLine(t.Context(), "Order143"); a.Reason != reason ||
					len(api.at("release_to_line")) != 1 {
					t.Errorf("release %v, tried at %s", a, api.at("release_to_line"))
				}
			})
		})
	}
}

func TestAReleaseIsTriedAgainOnlyWhereNoConnectionWasMade(t *testing.T) {
	t.Run("never", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api := under(t, unreachable)
			if a := c.ReleaseToLine(t.Context(), "Order143"); a.Outcome != packaging.Refused ||
				a.Reason != packaging.NotConnected {
				t.Errorf("answer %v", a)
			}
			if got := api.at("release_to_line"); !within(
				got, 0, 500*time.Millisecond, 1500*time.Millisecond, 3500*time.Millisecond, 7500*time.Millisecond,
			) {
				t.Errorf("tried at %s", got)
			}
		})
	})
	t.Run("for two seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api := under(t, unreachable)
			time.AfterFunc(2*time.Second, func() { api.turns(fair) })
			if a := c.ReleaseToLine(t.Context(), "Order143"); a.Outcome != packaging.Released ||
				len(api.at("release_to_line")) != 4 {
				t.Errorf("answer %v, tried at %s", a, api.at("release_to_line"))
			}
		})
	})
	t.Run("then it is cut", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api := under(t, unreachable)
			time.AfterFunc(time.Second, func() { api.turns(cutting) })
			if a := c.ReleaseToLine(t.Context(), "Order143"); a.Outcome != packaging.Unknown ||
				a.Reason != packaging.Cut || len(api.at("release_to_line")) != 3 {
				t.Errorf("answer %v, tried at %s", a, api.at("release_to_line"))
			}
		})
	})
	t.Run("while half of its limit is left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api := under(t, slowly(9*time.Second, unreachable))
			if a := c.ReleaseToLine(t.Context(), "Order143"); a.Outcome != packaging.Refused ||
				a.Reason != packaging.NotConnected {
				t.Errorf("answer %v", a)
			}
			if got := api.at("release_to_line"); len(got) != 2 {
				t.Errorf("tried at %s", got)
			}
		})
	})
}

func TestTheLimitIsForAllTriesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api := under(t, slowly(8*time.Second, cutting))
		began := time.Now()
		if got := open(c); got != packaging.TimedOut || len(api.at("open")) != 2 ||
			time.Since(began) != 15*time.Second {
			t.Errorf("%s after %s, tried at %s", got, time.Since(began), api.at("open"))
		}
	})
}

func TestWhoGivesUpDoesNotWaitForAnotherTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api := under(t, cutting)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, _, err := c.Open(ctx)
		if e := callError(t, err); e.Reason != packaging.Cut || len(api.at("open")) != 1 || time.Since(began) != 0 {
			t.Errorf("%v after %s, tried at %s", e, time.Since(began), api.at("open"))
		}
	})
}

func throttling(after string) weather { return answer(429, "{}", "Retry-After", after) }

func TestAReadWaitsAsLongAsTheAPIWantsWhereThatFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api := under(t, throttling("10"))
		time.AfterFunc(time.Second, func() { api.turns(fair) })
		if got := open(c); got != packaging.NoReason {
			t.Errorf("reason %s", got)
		}
		if got := api.at("open"); len(got) != 2 || got[1] < 10*time.Second || got[1] > 11*time.Second {
			t.Errorf("tried at %s", got)
		}
	})
}

func TestNobodyCallsEarlierThanTheAPIWants(t *testing.T) {
	for name, first := range map[string]func(*Client) packaging.Reason{
		"after a read": open,
		"after a release": func(c *Client) packaging.Reason {
			return c.ReleaseToLine(
				context.Background(), "Order143",
			).Reason
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, api := under(t, throttling("30"))
				if got := first(c); got != packaging.Throttled || len(api.at("")) != 1 || time.Since(api.began) != 0 {
					t.Fatalf("reason %s, tried at %s", got, api.at(""))
				}
				api.turns(fair)
				for range 2 {
					if open(c) != packaging.Throttled || details(c) != packaging.Throttled {
						t.Error("a read was made")
					}
					if a := c.ReleaseToLine(t.Context(), "Order143"); a.Outcome != packaging.Refused ||
						a.Reason != packaging.Throttled {
						t.Errorf("release %v", a)
					}
					time.Sleep(29900 * time.Millisecond)
				}
				if n := len(api.at("")); n != 1 {
					t.Errorf("%d calls", n)
				}
				if a := c.ReleaseToLine(t.Context(), "Order143"); a.Outcome != packaging.Released ||
					open(c) != packaging.NoReason {
					t.Errorf("after it: %v", a)
				}
			})
		})
	}
	t.Run("nor signs in", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api := underAs(t, Dynamic, throttling("30"))
			for range 2 {
				if got := open(c); got != packaging.SignInFailed {
					t.Errorf("reason %s", got)
				}
			}
			if n := len(api.at("")); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	})
	t.Run("and the longer of two times counts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api := under(t, throttling("30"))
			api.turns(func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return throttling("3")(r)
			})
			late := make(chan packaging.Reason)
			go func() { late <- details(c) }()
			synctest.Wait()
			api.turns(throttling("30"))
			open(c)
			if got := <-late; got != packaging.Throttled || len(api.at("details")) != 1 {
				t.Errorf("reason %s, tried at %s", got, api.at("details"))
			}
		})
	})
}

func TestRetryAfterIsReadAsSecondsAndAsADate(t *testing.T) {
	const date, soon = "Mon, 02 Mar 2026 18:00:00 GMT", "Mon, 02 Mar 2026 18:00:45 GMT"
	for _, c := range []struct {
		after, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"7", "", 7 * time.Second},
		{" 120 ", "", 2 * time.Minute},
		{"86400", "", time.Hour},
		{"18446744073709551615", "", time.Hour},
		{"99999999999999999999", "", 0},
		{"-1", "", 0},
		{"1.5", "", 0},
		{"soon", "", 0},
		{soon, date, 45 * time.Second}, // by a clock six hours ahead of ours
		{date, soon, 0},
		{"Mon, 02 Mar 2026 12:01:00 GMT", "", time.Minute},
		{"Mon, 02 Mar 2026 12:01:00 GMT", "today", time.Minute},
		{"Monday, 02-Mar-26 12:01:00 GMT", "", time.Minute},
		{"Thu, 31 Dec 2099 23:59:59 GMT", "", time.Hour},
	} {
		h := http.Header{"Retry-After": {c.after}, "Date": {c.date}}
		if got := retryAfter(h, noon); got != c.want {
			t.Errorf("%q at %q is %s, want %s", c.after, c.date, got, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("7", "")
	f.Add("Thu, 31 Dec 2099 23:59:59 GMT", "Mon, 02 Mar 2026 18:00:00 GMT")
	f.Fuzz(func(t *testing.T, after, date string) {
		h := http.Header{"Retry-After": {after}, "Date": {date}}
		if d := retryAfter(h, noon); d < 0 || d > time.Hour {
			t.Errorf("wait %s", d)
		}
	})
}
