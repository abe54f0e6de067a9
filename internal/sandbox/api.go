package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"
)

// The names of the calls, in [Fault] and in [Sandbox.Calls].
const (
	SignIn        = "api_auth"
	ListOpen      = "open"
	Details       = "details"
	ReleaseToLine = "release_to_line"
)

const prefix = "/v1/manufacturer/v2/api/packaging_order/"

// endpoint is a call of the API: its name, and what it does once token and channel key are checked.
type endpoint struct {
	name string
	do   func(*Sandbox, *http.Request, []byte) answer
}

var endpoints = map[string]endpoint{
	"POST /v1/api_auth":                   {SignIn, (*Sandbox).signIn},
	"GET " + prefix + "open":              {ListOpen, (*Sandbox).listOpen},
	"GET " + prefix + "details":           {Details, (*Sandbox).details},
	"PATCH " + prefix + "release_to_line": {ReleaseToLine, (*Sandbox).releaseToLine},
}

// answer is the answer to a call.
type answer struct {
	status int
	body   body
}

// body is the JSON of every answer.
type body struct {
	Success bool     `json:"success"`
	Message string   `json:"message"`
	Code    string   `json:"code,omitempty"`
	Details []detail `json:"details,omitempty"`
	Token   string   `json:"token,omitempty"`
	Data    any      `json:"data,omitempty"`
}

type detail struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func success(message string, data any) answer {
	return answer{http.StatusOK, body{Success: true, Message: message, Data: data}}
}

func failure(status int, message, code string) answer {
	return answer{status, body{Message: message, Code: code}}
}

func notValid(message string) answer {
	a := failure(http.StatusBadRequest, "Validation error", "")
	a.body.Details = []detail{{Field: "order_id", Message: message}}
	return a
}

var (
	notFound      = failure(http.StatusNotFound, "Packaging order not found", "")
	notParsed     = failure(http.StatusBadRequest, "Request body could not be parsed", "")
	noToken       = failure(http.StatusUnauthorized, "No token provided", "ERR0001")
	tokenRejected = failure(http.StatusUnauthorized, "Failed to authenticate token", "ERR0000")
	wrongChannel  = failure(http.StatusBadRequest, "Channel ID is missing or it needs to be in correct format", "")
	unknownPath   = failure(http.StatusNotFound, "Not found", "")
)

// ServeHTTP answers the calls of the API and, without a token, those of /sandbox/.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, err := readAll(w, r)
	if err != nil {
		write(w, notParsed)
		return
	}
	route := r.Method + " " + r.URL.Path
	if control, ok := controls[route]; ok {
		control(s, w, sent)
		return
	}
	e, ok := endpoints[route]
	if !ok {
		write(w, unknownPath)
		return
	}
	do := func() answer { return s.do(e, r, sent) }
	if fault, ok := s.arrive(e.name); ok {
		s.misbehave(w, r, fault, sent, do)
		return
	}
	write(w, do())
}

// do is a call without a fault.
func (s *Sandbox) do(e endpoint, r *http.Request, sent []byte) answer {
	if e.name != SignIn {
		if refused, ok := s.admit(r); !ok {
			return refused
		}
	}
	return e.do(s, r, sent)
}

func (s *Sandbox) signIn(_ *http.Request, sent []byte) answer {
	var credentials struct {
		Key    *string `json:"api_key"`
		Secret *string `json:"api_secret"`
	}
	switch err := json.Unmarshal(sent, &credentials); {
	case !json.Valid(sent):
		return notParsed
	case err != nil || credentials.Key == nil || credentials.Secret == nil:
		a := failure(http.StatusBadRequest, "Validation error", "")
		a.body.Details = []detail{{Field: "api_key", Message: "api_key and api_secret must be strings"}}
		return a
	case *credentials.Key != s.options.APIKey || *credentials.Secret != s.options.APISecret:
		return failure(http.StatusUnauthorized, "Authentication failed", "")
	}
	return answer{http.StatusOK, body{Success: true, Message: "Authentication successful", Token: s.newToken()}}
}

func (s *Sandbox) listOpen(*http.Request, []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := []Order{}
	for _, id := range s.ids {
		if o := s.orders[id]; o.Status != Done {
			o.Serials = nil
			open = append(open, o)
		}
	}
	return success("Open packaging orders", open)
}

func (s *Sandbox) details(r *http.Request, _ []byte) answer {
	id := r.URL.Query().Get("order_id")
	if n := utf8.RuneCountInString(id); n < 1 || n > 255 {
		return notValid("order_id must have 1 to 255 characters")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[id]
	if !ok {
		return notFound
	}
	o.Serials = nil
	if s.serialsInDetails {
		o.Serials = s.given[id]
	}
	return success("Packaging order details", o)
}

func (s *Sandbox) releaseToLine(_ *http.Request, sent []byte) answer {
	if !json.Valid(sent) {
		return notParsed
	}
	id, ok := orderIn(sent)
	if !ok {
		return notValid("order_id is required and must be a string")
	}
	order, serials, known, released := s.release(id)
	switch {
	case !known:
		return notFound
	case !released:
		return failure(
			http.StatusConflict, fmt.Sprintf("Packaging order %s is in status: %s", order.ID, order.Status), "",
		)
	}
	return success("Packaging order released", serials)
}

// orderIn returns the order ID in the request of a release.
func orderIn(sent []byte) (id string, ok bool) {
	var request struct {
		OrderID string `json:"order_id"`
	}
	err := json.Unmarshal(sent, &request)
	return request.OrderID, err == nil && request.OrderID != ""
}

// json returns the answer as it is sent.
func (a answer) json() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a.body); err != nil {
		panic(fmt.Sprintf("sandbox: an answer has no JSON: %v", err)) // all its types have
	}
	return bytes.TrimSpace(b.Bytes())
}

func write(w http.ResponseWriter, a answer) {
	writeAs(w, a.status, "application/json; charset=utf-8", a.json())
}

// writeAs sends an answer. It ignores that the caller may have gone.
func writeAs(w http.ResponseWriter, status int, kind string, text []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
