package app

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// It is not parallel: what libraries log goes to one place of the whole process.
func TestWhatAServerSaysAfterItsAnswerIsNotInTheLog(t *testing.T) {
	elsewhere, before := &output{}, log.Writer()
	log.SetOutput(elsewhere)
	t.Cleanup(func() { log.SetOutput(before) })
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--log-format", "json",
		"--provision", site(t, repeatsAfterItsAnswer(t)))
	said := func() string { return s.log.String() + elsewhere.String() }
	for tries := 0; !strings.Contains(said(), "Unsolicited response"); tries++ {
		if tries == 6000 {
			t.Fatalf("nothing is said of what came after an answer: %s", said())
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.end(t)
	for line := range strings.Lines(said()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
		if strings.Contains(line, "canary") {
			t.Errorf("a server that repeats what it got is quoted: %s", line)
		}
	}
}

// repeatsAfterItsAnswer returns the address of an API that sends the headers of a request back after its answer, as one
// that counts characters as bytes does with the end of an answer.
func repeatsAfterItsAnswer(t *testing.T) string {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/api_auth" {
			_, _ = io.WriteString(w, `{"success":true,"token":"canary-token-0001"}`)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		const list = `{"success":true,"data":[]}`
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%q", len(list), list, r.Header)
		_, _ = io.Copy(io.Discard, conn) // until the client closes it
	}))
	t.Cleanup(api.Close)
	return api.URL
}
