package sandbox

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind is what goes wrong with a call.
type Kind string

// The kinds. "Done" means that the call was carried out nevertheless.
const (
	Delay       Kind = "delay"        // done, later
	CutBefore   Kind = "cut_before"   // the connection is reset, not done
	CutAfter    Kind = "cut_after"    // done, then the connection is reset without an answer
	ErrorBefore Kind = "error_before" // 5xx, not done
	ErrorAfter  Kind = "error_after"  // 5xx, done
	CutJSON     Kind = "cut_json"     // done; half of the JSON in an answer that is whole by HTTP
	CutBody     Kind = "cut_body"     // done; half of the answer, less than its Content-Length says
	HTML        Kind = "html"         // 200 with a page, not done
	HTMLAfter   Kind = "html_after"   // 200 with a page, done
	Empty       Kind = "empty"        // done; 200 without a body
	WrongType   Kind = "wrong_type"   // done; data of another type
	// ERR0000, not done; all issued tokens are invalid from now on. Not for api_auth
	ExpiredToken Kind = "expired_token"
	Forbidden    Kind = "forbidden"    // 403 with the page of a proxy, not done
	Throttle     Kind = "throttle"     // 429 with Retry-After, not done
	RefuseAfter  Kind = "refuse_after" // done; 409 with a no in words that are not documented
	OtherOrder   Kind = "other_order"  // done; the documented message about the status of another order
	Late         Kind = "late"         // reset at once, done after the delay; without one, by RunLate
	PushRefused  Kind = "push_refused" // releases: the line refuses what the cloud pushed; Suspended, then a reset
)

// kinds are all kinds.
var kinds = map[Kind]bool{
	Delay: true, CutBefore: true, CutAfter: true, ErrorBefore: true, ErrorAfter: true, CutJSON: true, CutBody: true,
	HTML: true, HTMLAfter: true, Empty: true, WrongType: true, ExpiredToken: true, Forbidden: true, Throttle: true,
	RefuseAfter: true, OtherOrder: true, Late: true, PushRefused: true,
}

// Fault is a failure on demand. Of several for the same call, the oldest comes first.
type Fault struct {
	Call   string        `json:"call"` // a call's name, or empty for any
	Kind   Kind          `json:"kind"`
	Times  int           `json:"times"`  // 0: until cleared
	Delay  time.Duration `json:"delay"`  // in JSON as "1.5s"; before anything else; it ends when the caller goes away
	Status int           `json:"status"` // 0: the kind's own
	Body   string        `json:"body"`   // empty: the kind's own

	RetryAfter string `json:"retry_after"` // with Throttle: the header, "none" for none; empty: 1
}

// Inject makes calls fail from now on.
func (s *Sandbox) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// ClearFaults removes all faults.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// arrive counts a call and returns the fault that is due for it, if any.
func (s *Sandbox) arrive(call string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call]++
	for i, f := range s.faults {
		if f.Call != call && (f.Call != "" || f.Kind == ExpiredToken && call == SignIn) {
			continue
		}
		if f.Times == 1 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		} else if f.Times > 1 {
			s.faults[i].Times--
		}
		if f.Kind == ExpiredToken {
			s.newKey()
		}
		return f, true
	}
	return Fault{}, false
}

const page = "<!DOCTYPE html>\n<html><head><title>%</title></head><body><h1>%</h1></body></html>\n"

// misbehave answers a call with a fault. Like a real server, it carries a call out even if the caller has gone.
func (s *Sandbox) misbehave(w http.ResponseWriter, r *http.Request, f Fault, sent []byte, do func() answer) {
	if f.Kind == Late {
		s.doLater(f.Delay, do)
		reset(w)
		return
	}
	if f.Delay > 0 {
		wait := time.NewTimer(f.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
		}
	}
	switch {
	case f.stop(w):
	case f.Kind == PushRefused:
		if id, ok := orderIn(sent); ok {
			s.SetStatus(id, Suspended)
		}
		reset(w)
	default:
		f.spoil(w, do)
	}
}

// spoil carries a call out, and answers it wrongly.
func (f Fault) spoil(w http.ResponseWriter, do func() answer) {
	switch f.Kind {
	case CutAfter:
		do()
		reset(w)
	case ErrorAfter:
		do()
		f.send(w, http.StatusInternalServerError, "application/json", `{"message":"Internal server error"}`)
	case CutJSON:
		a := do()
		text := a.json()
		f.send(w, a.status, "application/json", string(text[:len(text)/2]))
	case CutBody:
		a := do()
		text := a.json()
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		f.send(w, a.status, "application/json", string(text[:len(text)/2]))
	case HTMLAfter:
		do()
		f.send(w, http.StatusOK, "text/html", titled("Welcome"))
	case Empty:
		do()
		f.send(w, http.StatusOK, "application/json", "")
	case WrongType:
		a := do()
		a.body.Token, a.body.Data = "", 42
		f.send(w, a.status, "application/json", string(a.json()))
	case RefuseAfter:
		do()
		f.send(
			w, http.StatusConflict, "application/json",
			`{"success":false,"message":"Line controller did not confirm in time"}`,
		)
	case OtherOrder:
		do()
		f.send(
			w, http.StatusConflict, "application/json",
			`{"success":false,"message":"Packaging order OTHER-9 is in status: Done"}`,
		)
	default:
		write(w, do())
	}
}

// stop answers a call that is not carried out. It returns false if the fault lets calls be carried out.
func (f Fault) stop(w http.ResponseWriter) bool {
	switch f.Kind {
	case CutBefore:
		reset(w)
	case ErrorBefore:
		f.send(w, http.StatusInternalServerError, "application/json", `{"message":"Internal server error"}`)
	case HTML:
		f.send(w, http.StatusOK, "text/html", titled("Under maintenance"))
	case ExpiredToken:
		write(w, tokenRejected)
	case Forbidden:
		f.send(w, http.StatusForbidden, "text/html", titled("Access denied by proxy"))
	case Throttle:
		if f.RetryAfter != "none" {
			w.Header().Set("Retry-After", cmp.Or(f.RetryAfter, "1"))
		}
		f.send(w, http.StatusTooManyRequests, "application/json", `{"message":"Too many requests"}`)
	default:
		return false
	}
	return true
}

// send writes an answer, with the status and the body of the fault where it has them.
func (f Fault) send(w http.ResponseWriter, status int, kind, text string) {
	if f.Status != 0 {
		status = f.Status
	}
	if f.Body != "" {
		text = f.Body
	}
	writeAs(w, status, kind, []byte(text))
}

func titled(title string) string { return strings.ReplaceAll(page, "%", title) }

// doLater does a call after the delay, or at the next RunLate if there is none.
func (s *Sandbox) doLater(delay time.Duration, do func() answer) {
	if delay > 0 {
		time.AfterFunc(delay, func() { do() })
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, do)
}

// RunLate does the calls that wait for it: those that met the fault Late without a delay.
func (s *Sandbox) RunLate() {
	s.mu.Lock()
	late := s.late
	s.late = nil
	s.mu.Unlock()
	for _, do := range late {
		do()
	}
}

// reset ends the connection with a TCP reset instead of an orderly end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 can't hand its connection over; this resets the stream
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
