package soak

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"lineboard/internal/sandbox"
)

// remote is the sandbox as a network and a busy server show it: a release can be carried out later than its caller
// waits, and every one that arrives is kept.
type remote struct {
	box *sandbox.Sandbox
	now func() time.Time

	mu       sync.Mutex
	fate     func() fate // says how a release fares that has just arrived
	patches  []*patch
	opens    int             // lists of open orders that were made
	holdOpen <-chan struct{} // the next list waits for this to close once it is made; nil for no wait
	changed  *sync.Cond
}

// patch is one call of release to line as it arrived.
type patch struct {
	order    string
	arrived  time.Time
	ended    time.Time // when the sandbox was through with it, zero before
	done     bool      // it was carried out
	serials  []string  // that came of it
	rejected bool      // its token was (ERR0000), which proves to the caller that nothing was done
	held     bool      // it waits, or waited, for somebody to let it go
}

// fate is what comes between the arrival of a release and the sandbox, whether its caller is still there or not.
type fate struct {
	late  time.Duration   // before it reaches the sandbox
	until <-chan struct{} // likewise: it waits for this to close
	slow  time.Duration   // after it was carried out, before it is answered
	tell  func()          // called when it was carried out, before it is answered
	early string          // what the caller gets at once, from somebody on the way: "cut", "page", or nothing
}

// withoutList marks orders whose details hold no serials.
const withoutList = "-nolist"

func newRemote() *remote {
	r := &remote{
		box: sandbox.New(sandbox.Options{SerialsInDetails: true}), now: time.Now, fate: func() fate { return fate{} },
	}
	r.changed = sync.NewCond(&r.mu)
	return r
}

func (r *remote) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch {
	case strings.HasSuffix(q.URL.Path, "/release_to_line"):
		r.release(w, q)
	case strings.HasSuffix(q.URL.Path, "/details") && strings.HasSuffix(q.URL.Query().Get("order_id"), withoutList):
		r.details(w, q)
	case strings.HasSuffix(q.URL.Path, "/open"):
		r.open(w, q)
	default:
		r.box.ServeHTTP(w, q)
	}
}

func (r *remote) release(w http.ResponseWriter, q *http.Request) {
	sent, err := io.ReadAll(q.Body)
	if err != nil {
		return // it never arrived as a whole
	}
	var request struct {
		Order string `json:"order_id"`
	}
	_ = json.Unmarshal(sent, &request) // what can't be read is answered by the sandbox
	p := &patch{order: request.Order, arrived: r.now()}
	r.mu.Lock()
	f := r.fate()
	p.held = f.until != nil
	r.patches = append(r.patches, p)
	r.changed.Broadcast()
	r.mu.Unlock()

	w = interfere(w, f.early)
	time.Sleep(f.late)
	if f.until != nil {
		<-f.until
	}
	q.Body = io.NopCloser(bytes.NewReader(sent))
	before := r.carried(p.order)
	seen := &watched{ResponseWriter: w, f: f}
	defer func() { // the sandbox may panic to abort a connection
		after := r.carried(p.order)
		r.mu.Lock()
		defer r.mu.Unlock()
		p.ended = r.now()
		if p.done = len(after) > len(before); p.done {
			p.serials = after[len(after)-1]
		}
		p.rejected = seen.status == http.StatusUnauthorized
		r.changed.Broadcast()
	}()
	r.box.ServeHTTP(seen, q)
}

// carried are the lists that an order got, one each time that it was released.
func (r *remote) carried(key string) (lists [][]string) {
	for _, one := range r.box.Released() {
		if one.OrderID == key {
			lists = append(lists, one.Serials)
		}
	}
	return lists
}

// interfere has somebody on the way answer instead of the other side, or cut the connection. It gives where the other
// side's own answer goes.
func interfere(w http.ResponseWriter, how string) http.ResponseWriter {
	switch how {
	case "cut":
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	case "page":
		const page = "<h1>The upstream server takes too long</h1>"
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		_, _ = io.WriteString(w, page)
		_ = http.NewResponseController(w).Flush()
	default:
		return w
	}
	return httptest.NewRecorder()
}

// watched sees the status of an answer, and can make it wait. The sandbox answers when it has carried the call out.
type watched struct {
	http.ResponseWriter
	f      fate
	status int
}

func (w *watched) WriteHeader(status int) {
	w.status = status
	if w.f.tell != nil {
		w.f.tell()
	}
	time.Sleep(w.f.slow)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// details answers without the serials.
func (r *remote) details(w http.ResponseWriter, q *http.Request) {
	recorded := httptest.NewRecorder()
	r.box.ServeHTTP(recorded, q)
	answer := recorded.Body.Bytes()
	var whole struct {
		Success bool           `json:"success"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	}
	if json.Unmarshal(answer, &whole) == nil && whole.Data["serials"] != nil {
		delete(whole.Data, "serials")
		answer, _ = json.Marshal(whole) // it was JSON before
	}
	pass(w, recorded, answer)
}

// open answers with the list, late where it is held: what it says may be old when it comes.
func (r *remote) open(w http.ResponseWriter, q *http.Request) {
	recorded := httptest.NewRecorder()
	r.box.ServeHTTP(recorded, q)
	r.mu.Lock()
	wait := r.holdOpen
	r.holdOpen = nil
	r.opens++
	r.changed.Broadcast()
	r.mu.Unlock()
	if wait != nil {
		<-wait
	}
	pass(w, recorded, recorded.Body.Bytes())
}

func pass(w http.ResponseWriter, recorded *httptest.ResponseRecorder, body []byte) {
	for name, values := range recorded.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(recorded.Code)
	_, _ = w.Write(body)
}

// with runs something under the lock of the remote side.
func (r *remote) with(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// of are the releases of an order that arrived, the oldest first. It is a copy.
func (r *remote) of(order string) (all []patch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.patches {
		if order == "" || p.order == order {
			all = append(all, *p)
		}
	}
	return all
}

// await waits until something is so at the remote side; state runs under its lock. It says whether that came in time.
func (r *remote) await(limit time.Duration, state func() bool) bool {
	late := time.AfterFunc(limit, r.changed.Broadcast)
	defer late.Stop()
	end := time.Now().Add(limit)
	r.mu.Lock()
	defer r.mu.Unlock()
	for !state() {
		if !time.Now().Before(end) {
			return false
		}
		r.changed.Wait()
	}
	return true
}
