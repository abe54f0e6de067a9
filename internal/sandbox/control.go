package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxRequest limits what a caller may send, in bytes.
const maxRequest = 8 << 20

// controls are the calls that control a sandbox from outside, without a token:
//
//	POST   /sandbox/faults    a Fault in JSON, 204
//	DELETE /sandbox/faults    204
//	GET    /sandbox/released  every release that was carried out, in JSON
//	PUT    /sandbox/orders    a list of Orders in JSON, each added or replaced, 204
var controls = map[string]func(*Sandbox, http.ResponseWriter, []byte){
	"POST /sandbox/faults":   (*Sandbox).controlInject,
	"DELETE /sandbox/faults": (*Sandbox).controlClear,
	"GET /sandbox/released":  (*Sandbox).controlReleased,
	"PUT /sandbox/orders":    (*Sandbox).controlPut,
}

func (s *Sandbox) controlInject(w http.ResponseWriter, sent []byte) {
	var f struct {
		Fault
		Delay string `json:"delay"` // instead of the fault's own
	}
	if err := json.Unmarshal(sent, &f); err != nil {
		http.Error(w, "not a fault in JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	if !kinds[f.Kind] {
		http.Error(w, fmt.Sprintf("no kind of fault: %q", f.Kind), http.StatusBadRequest)
		return
	}
	if f.Delay != "" {
		delay, err := time.ParseDuration(f.Delay)
		if err != nil {
			http.Error(w, "not a delay: "+err.Error(), http.StatusBadRequest)
			return
		}
		f.Fault.Delay = delay
	}
	s.Inject(f.Fault)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) controlClear(w http.ResponseWriter, _ []byte) {
	s.ClearFaults()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) controlReleased(w http.ResponseWriter, _ []byte) {
	text, err := json.Marshal(s.Released())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeAs(w, http.StatusOK, "application/json", text)
}

func (s *Sandbox) controlPut(w http.ResponseWriter, sent []byte) {
	var orders []Order
	if err := json.Unmarshal(sent, &orders); err != nil {
		http.Error(w, "not a list of orders in JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.Put(orders...)
	w.WriteHeader(http.StatusNoContent)
}

func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
}
