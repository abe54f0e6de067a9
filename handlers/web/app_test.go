package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestADeviceCanInstallThePages(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.Browser()
	worker := b.Get("/sw.js")
	if worker.Status != http.StatusOK || worker.Header.Get("Cache-Control") != "no-cache" ||
		!strings.HasPrefix(worker.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("the worker: %d %v", worker.Status, worker.Header)
	}
	if !strings.Contains(worker.Header.Get("Content-Security-Policy"), "worker-src 'self'") {
		t.Error("the policy forbids the worker")
	}
	for _, kept := range regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(worker.Body, -1) {
		if a := b.Get(kept[1]); a.Status != http.StatusOK {
			t.Errorf("the worker keeps %s, which is answered with %d", kept[1], a.Status)
		}
	}
	manifest := b.Get(b.Get("/login").Attr("link[rel=manifest]", "href"))
	icons := regexp.MustCompile(`"src":"([^"]+)"`).FindAllStringSubmatch(manifest.Body, -1)
	if manifest.Status != http.StatusOK || len(icons) < 3 || !strings.Contains(manifest.Body, `"maskable"`) {
		t.Errorf("the manifest: %d %s", manifest.Status, manifest.Body)
	}
	for _, icon := range icons {
		if a := b.Get(icon[1]); a.Status != http.StatusOK ||
			!strings.HasPrefix(a.Header.Get("Content-Type"), "image/") {
			t.Errorf("%s: %d", icon[1], a.Status)
		}
	}
	if a := b.Get("/offline"); a.Status != http.StatusOK || a.Header.Get("Lineboard-Reader") != "" {
		t.Errorf("the page for when there is none: %d %v", a.Status, a.Header)
	}
}
