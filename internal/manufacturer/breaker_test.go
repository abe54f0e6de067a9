package manufacturer

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lineboard/internal/packaging"
)

func release(c *Client) packaging.Answer { return c.ReleaseToLine(context.Background(), "Order143") }

// down is a client of a cloud that has just come to count as down, and has been failing since failing.
func down(t *testing.T, w weather) (c *Client, api *cloud, failing time.Time) {
	t.Helper()
	c, api = under(t, w)
	failing = time.Now()
	for range 100 {
		if _, is := c.Down(); is {
			return c, api, failing
		}
		open(c)
		time.Sleep(time.Second)
	}
	t.Fatal("the cloud never counts as down")
	return nil, nil, failing
}

func TestACloudThatIsDownIsNotAsked(t *testing.T) {
	for reason, w := range map[packaging.Reason]weather{
		packaging.NotConnected: unreachable, packaging.Cut: cutting, packaging.ServerError: answer(503, "<html>"),
		packaging.TimedOut: hanging,
	} {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, api, failing := down(t, w)
				if since, is := c.Down(); !is || since.Before(failing) || since.Sub(failing) > 15*time.Second {
					t.Errorf("down since %s, failing since %s", since, failing)
				}
				asked, began := len(api.at("")), time.Now()
				for range 10 {
					if open(c) != reason || details(c) != reason {
						t.Error("a read with another reason")
					}
					if a := release(c); a.Outcome != packaging.Refused || a.Reason != packaging.CloudDown ||
						a.HTTPStatus != 0 || a.Message == "" {
						t.Errorf("release %v: %s", a, a.Message)
					}
				}
				if n := len(api.at("")); n != asked || time.Since(began) != 0 {
					t.Errorf("asked %d times, in %s", n-asked, time.Since(began))
				}
			})
		})
	}
}

func TestItTakesFiveSignsInARowOverThreeSeconds(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(*Client, *cloud)
		want bool
	}{
		"five in a row": {func(c *Client, _ *cloud) { open(c); time.Sleep(3 * time.Second); open(c) }, true},
		"four in a row": {func(c *Client, _ *cloud) { open(c); time.Sleep(3 * time.Second); release(c) }, false},
		"many at once, as a short break of the network has them": {func(c *Client, _ *cloud) {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { details(c) })
			}
			all.Wait()
		}, false},
		"an answer between them": {func(c *Client, api *cloud) {
			for range 5 {
				open(c)
				time.Sleep(time.Minute)
				api.turns(answer(404, `{"message":"Packaging order not found"}`))
				details(c)
				api.turns(cutting)
			}
			open(c)
		}, false},
		"callers that give up": {func(c *Client, api *cloud) {
			api.turns(hanging)
			for range 20 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				_, _, _ = c.Open(ctx)
				c.ReleaseToLine(ctx, "Order143")
				cancel()
			}
		}, false},
		"pages and refusals": {func(c *Client, api *cloud) {
			for _, w := range []weather{
				answer(200, "<html>"), answer(403, "<html>"), answer(429, "{}"), answer(400, `{"success":false}`), fair,
			} {
				api.turns(w)
				for range 10 {
					open(c)
					release(c)
					time.Sleep(time.Second)
				}
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, api := under(t, cutting)
				test.do(c, api)
				if _, is := c.Down(); is != test.want {
					t.Errorf("down %v", is)
				}
			})
		})
	}
}

func TestAProbeIsLetThroughAfterPausesThatGrowToAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api := under(t, cutting)
		for is := false; !is; _, is = c.Down() {
			open(c)
		}
		began := api.at("open")[len(api.at("open"))-1]
		had := len(api.at("open"))
		for range 4000 {
			open(c)
			time.Sleep(100 * time.Millisecond)
		}
		probes := api.at("open")[had:]
		for i, want := range []time.Duration{5, 10, 20, 40, 60, 60, 60, 60} {
			pause := probes[i] - began
			if pause > want*time.Second+100*time.Millisecond || pause < want*time.Second*4/5 {
				t.Errorf("probe %d after %s, want %d s", i, pause, want)
			}
			began = probes[i]
		}
	})
}

func TestAnAnswerEndsIt(t *testing.T) {
	for name, w := range map[string]weather{
		"that is good": fair, "that refuses": answer(404, `{"message":"Packaging order not found"}`),
		"that can't be read": answer(200, "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, api, _ := down(t, cutting)
				time.Sleep(5 * time.Second)
				api.turns(w)
				details(c)
				if _, is := c.Down(); is {
					t.Error("still down")
				}
				api.turns(fair)
				if a := release(c); a.Outcome != packaging.Released || open(c) != packaging.NoReason {
					t.Errorf("release %v", a)
				}
			})
		})
	}
}

func TestOneProbeIsUnderWayAtATimeAndOneThatIsGivenUpIsMadeByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api, _ := down(t, cutting)
		time.Sleep(5 * time.Second)
		api.turns(slowly(3*time.Second, fair))
		before := len(api.at("details"))
		ctx, cancel := context.WithCancel(t.Context())
		given := make(chan error)
		go func() {
			_, err := c.Details(ctx, "Order143")
			given <- err
		}()
		synctest.Wait()
		if got := details(c); got != packaging.Cut || len(api.at("details")) != before+1 {
			t.Errorf("a second probe: %s", got)
		}
		cancel()
		if got := reasonOf(<-given); got != packaging.TimedOut {
			t.Errorf("the one that is given up: %s", got)
		}
		if _, is := c.Down(); !is {
			t.Error("a call that was given up ended it")
		}
		if got := details(c); got != packaging.NoReason {
			t.Errorf("the next: %s", got)
		}
	})
}

func TestAReleaseIsNotTheProbeButItsDetailsAre(t *testing.T) {
	for _, kind := range []TokenKind{Static, Dynamic} {
		t.Run("the cloud is back, "+string(kind)+" token", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, api := underAs(t, kind, fair)
				open(c)
				api.turns(cutting)
				for is := false; !is; _, is = c.Down() {
					open(c)
				}
				time.Sleep(5 * time.Second)
				api.turns(fair)
				if a := release(c); a.Outcome != packaging.Released || len(api.at("details")) != 1 ||
					len(api.at("release_to_line")) != 1 {
					t.Errorf("release %v, calls %v", a, api.calls)
				}
			})
		})
	}
	for name, w := range map[string]weather{
		"cuts": cutting, "hangs": hanging, "answers with 5xx": answer(503, "{}"), "can't be reached": unreachable,
	} {
		t.Run("the cloud still "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, api, _ := down(t, w)
				for range 100 { // over an hour and more
					time.Sleep(time.Minute)
					if a := release(c); a.Outcome != packaging.Refused || a.Reason != packaging.CloudDown ||
						a.Message == "" {
						t.Errorf("release %v", a)
					}
				}
				if n := len(api.at("release_to_line")); n != 0 || len(api.at("details")) != 100 {
					t.Errorf("sent %d times, asked for details %d times", n, len(api.at("details")))
				}
			})
		})
	}
	t.Run("who presses has gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, api, _ := down(t, cutting)
			time.Sleep(5 * time.Second)
			api.turns(hanging)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if a := c.ReleaseToLine(ctx, "Order143"); a.Outcome != packaging.Refused ||
				len(api.at("release_to_line")) != 0 {
				t.Errorf("release %v", a)
			}
		})
	})
}

func TestAReleaseDoesNotWaitForTheProbeOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api, _ := down(t, cutting)
		time.Sleep(5 * time.Second)
		api.turns(hanging)
		var other sync.WaitGroup
		other.Go(func() { details(c) })
		synctest.Wait()
		api.turns(fair)
		if a := release(c); a.Outcome != packaging.Released {
			t.Errorf("release %v", a)
		}
		other.Wait()
	})
}

func TestAReleaseThatIsUnderWayKeepsItsTriesWhenTheCloudComesToCountAsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api := under(t, unreachable)
		open(c)
		time.AfterFunc(4*time.Second, func() {
			if _, is := c.Down(); !is {
				t.Error("not down")
			}
			api.turns(fair)
		})
		if a := release(c); a.Outcome != packaging.Released || len(api.at("release_to_line")) != 5 {
			t.Errorf("release %v, tried at %s", a, api.at("release_to_line"))
		}
		if _, is := c.Down(); is {
			t.Error("still down")
		}
	})
}

func TestAListThatNeverWorksDoesNotTakeTheTurnOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, api := under(t, only("open", answer(500, "{}")))
		refused := 0
		for i := range 1000 { // the list is asked for every second, an order is released now and then
			open(c)
			if i%90 == 89 {
				if a := release(c); a.Reason == packaging.CloudDown {
					refused++
				}
			}
			time.Sleep(time.Second)
		}
		if n := len(api.at("release_to_line")); n != 11 || refused != 0 {
			t.Errorf("%d releases were sent, %d refused", n, refused)
		}
	})
}

// TestUnderAnyWeatherAReleaseIsWhatItsAnswerSays has clouds come and go at random, and readers and releases all at
// once.
func TestUnderAnyWeatherAReleaseIsWhatItsAnswerSays(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			done := map[string]int{}
			weathers := []weather{
				unreachable, cutting, hanging, answer(503, "{}"), throttling("2"), answer(200, "<html>"), fair, fair,
				slowly(2*time.Second, fair),
			}
			c, api := underAs(t, Dynamic, fair)
			carryOut := func(w weather, does bool) weather {
				return func(r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodPatch && does {
						body := make([]byte, r.ContentLength)
						_, _ = r.Body.Read(body)
						mu.Lock()
						done[string(body)]++
						mu.Unlock()
					}
					return w(r)
				}
			}
			api.turns(carryOut(fair, true))
			ctx, stop := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() {
				for ctx.Err() == nil {
					n := rand.N(len(weathers))
					// Where a connection is made, and no definite no is given, it may have been done.
					api.turns(carryOut(weathers[n], n >= 6 || n >= 1 && n != 4 && rand.N(2) == 0))
					time.Sleep(rand.N(20 * time.Second))
				}
			})
			for _, read := range []func(*Client) packaging.Reason{open, details} {
				all.Go(func() {
					for ctx.Err() == nil {
						read(c)
						time.Sleep(rand.N(10 * time.Second))
					}
				})
			}
			for i := range 200 {
				key := string(rune('a' + i))
				a := c.ReleaseToLine(t.Context(), key)
				mu.Lock()
				n := done[string(releaseBody(key))]
				mu.Unlock()
				if n > 1 || a.Outcome == packaging.Refused && n > 0 || a.Outcome == packaging.Released && n != 1 {
					t.Errorf("%v, carried out %d times", a, n)
				}
				time.Sleep(rand.N(5 * time.Second))
			}
			stop()
			all.Wait()
		})
	}
}
