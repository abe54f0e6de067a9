package sandbox

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	const page = "<!DOCTYPE html>"
	for _, c := range []struct {
		kind   Kind
		status int // 0: no whole answer
		starts string
		done   bool
	}{
		{Delay, 200, `{"success":true`, true},
		{CutBefore, 0, "", false},
		{CutAfter, 0, "", true},
		{ErrorBefore, 500, `{"message"`, false},
		{ErrorAfter, 500, `{"message"`, true},
		{CutJSON, 200, `{"success":true`, true},
		{CutBody, 0, "", true},
		{HTML, 200, page, false},
		{HTMLAfter, 200, page, true},
		{Empty, 200, "", true},
		{WrongType, 200, `{"success":true,"message":"Packaging order released","data":42}`, true},
		{ExpiredToken, 401, `{"success":false`, false},
		{Forbidden, 403, page, false},
		{Throttle, 429, `{"message"`, false},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			s, url := start(t, Options{})
			s.Inject(Fault{Call: ReleaseToLine, Kind: c.kind, Times: 1, Delay: time.Millisecond})
			status, text, err := try(t, "PATCH", url+releasePath, `{"order_id":"Order143"}`, static)
			if (err != nil) != (c.status == 0) || err == nil && (status != c.status ||
				!strings.HasPrefix(text, c.starts)) {
				t.Errorf("HTTP %d %s, %v", status, text, err)
			}
			if c.kind == CutAfter && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection was not reset: %v", err)
			}
			if done := len(s.Released()) == 1; done != c.done {
				t.Errorf("done %v", done)
			}
			want := 200
			if c.done {
				want = 409
			}
			if status, text := request(t, "PATCH", url+releasePath, `{"order_id":"Order143"}`, static); status != want {
				t.Errorf("after the fault: HTTP %d %s", status, text)
			}
		})
	}
}

func TestADelayedCallIsDoneAlthoughItsCallerHasGone(t *testing.T) {
	s, url := start(t, Options{})
	s.Inject(Fault{Kind: Delay, Delay: time.Hour})
	req, err := http.NewRequestWithContext(
		t.Context(), "PATCH", url+releasePath, strings.NewReader(`{"order_id":"Order143"}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range static {
		req.Header.Set(name, value)
	}
	// A client of net/http that goes may take with it what it has not sent yet.
	caller, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", req.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(req.Write(caller), caller.Close()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); len(s.Released()) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the release was not carried out")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestThrottlingSaysHowLongToWaitAsTold(t *testing.T) {
	s, url := start(t, Options{})
	for after, want := range map[string]string{
		"": "1", "90": "90", "Thu, 31 Dec 2099 23:59:59 GMT": "Thu, 31 Dec 2099 23:59:59 GMT", "none": "",
	} {
		s.Inject(Fault{Kind: Throttle, RetryAfter: after, Times: 1})
		resp, err := http.Get(url + openPath)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Retry-After"); resp.StatusCode != http.StatusTooManyRequests || got != want {
			t.Errorf("HTTP %d, Retry-After %q, want %q", resp.StatusCode, got, want)
		}
	}
}
