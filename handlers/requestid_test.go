package handlers_test

import (
	"regexp"
	"strings"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestAnErrorPageNamesItsRequestAsTheLogDoes(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	page := s.SignIn("administrator1").Get("/orders/999999").Text(".problem-page")
	id := regexp.MustCompile(`as the log has it: ([0-9a-f]{12})`).FindStringSubmatch(page)
	if id == nil {
		t.Fatalf("the page: %s", page)
	}
	if log := s.Log.String(); !strings.Contains(log, "request="+id[1]) {
		t.Errorf("the log lacks %s: %s", id[1], log)
	}
}
