package handlerstest

import (
	"net/http"
	"testing"

	"lineboard/internal/sandbox"
)

// HeldReleases holds releases at the remote API until they are let go.
type HeldReleases struct {
	arrived chan struct{}
	release chan struct{}
}

// HoldReleases makes them.
func HoldReleases() *HeldReleases {
	return &HeldReleases{arrived: make(chan struct{}, 100), release: make(chan struct{})}
}

// Handler returns what stands where the remote API is, for the options of a site.
func (h *HeldReleases) Handler(box *sandbox.Sandbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			h.arrived <- struct{}{}
			<-h.release
		}
		box.ServeHTTP(w, r)
	})
}

// Await waits until a release has arrived at the remote API.
func (h *HeldReleases) Await(t *testing.T) {
	t.Helper()
	select {
	case <-h.arrived:
	case <-t.Context().Done():
		t.Fatal("no release arrived")
	}
}

// LetGo answers the releases that wait, and all later ones.
func (h *HeldReleases) LetGo() { close(h.release) }
