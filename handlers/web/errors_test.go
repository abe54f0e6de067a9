package web_test

import (
	"net/http"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestAnErrorTakesThePlaceOfThePageEvenWhereAPartWasAskedFor(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	b.Header.Set("HX-Request", "true")
	if a := b.Get("/orders/999999"); a.Status != http.StatusNotFound || a.Header.Get("HX-Retarget") != "body" {
		t.Errorf("%d, retarget %q", a.Status, a.Header.Get("HX-Retarget"))
	}
}
