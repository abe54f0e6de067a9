package web_test

import (
	"net/http"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestProbesAnswerWithoutASignIn(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, where := range []string{"/healthz", "/readyz"} {
		if a := s.Browser().Get(where); a.Status != http.StatusOK {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
}
