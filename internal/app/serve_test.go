package app

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestServeTakesItsSettingsFromTheEnvironmentAndKeepsSecretsToItself(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	sandbox := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	s := start(t, with(map[string]string{
		"LINEBOARD_ADDR":      "127.0.0.1:0",
		"LINEBOARD_DATA":      data,
		"LINEBOARD_PROVISION": site(t, sandbox.address),
		"LINEBOARD_VERBOSE":   "true",
	}), "serve")
	if status, _ := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	if _, body := get(t, s.address+"/login"); strings.Contains(body, "demo") {
		t.Error("serve shows the demo's people")
	}
	s.end(t)
	if strings.Contains(s.log.String(), "canary") {
		t.Error("a credential is in the log")
	}
	if err := filepath.WalkDir(data, func(path string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("a credential stands in %s", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// Once set up, it starts without the file.
	again := start(t, map[string]string{"LINEBOARD_DATA": data}, "serve", "--addr", "127.0.0.1:0")
	again.end(t)
	sandbox.end(t)
}

func (s started) link(t *testing.T) string {
	t.Helper()
	form := regexp.MustCompile(`http://\S+/setup\?key=\w{26,}\s`)
	for limit := time.Now().Add(60 * time.Second); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if link := form.FindString(s.said.String()); link != "" {
			return strings.TrimSpace(link)
		}
	}
	t.Fatalf("no link in %s", s.said)
	return ""
}

func TestTheFirstStartGoesByALinkOnTheConsoleThatWorksOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, nil, "serve", "--verbose", "--addr", "127.0.0.1:0", "--data", data)
	link := s.link(t)
	for address, says := range map[string]string{
		s.address + "/orders": "Look at the console",
		link:                  "You become the first administrator",
	} {
		if status, body := get(t, address); status != http.StatusOK || !strings.Contains(body, says) {
			t.Fatalf("%s: %d", address, status)
		}
	}
	s.end(t)

	// It is of that process alone: the next one has another.
	s = start(t, nil, "serve", "--verbose", "--addr", "127.0.0.1:0", "--data", data)
	_, old, _ := strings.Cut(link, "?")
	if status, _ := get(t, s.address+"/setup?"+old); status != http.StatusForbidden {
		t.Errorf("the link of before: %d", status)
	}
	link = s.link(t)
	_, key, _ := strings.Cut(link, "key=")
	form := url.Values{
		"key":       {key},
		"username":  {"anna"},
		"full_name": {"Anna"},
		"password":  {"canary words of anna"},
		"again":     {"canary words of anna"},
		"site":      {"Plant Ghent"},
		"zone":      {"Europe/Brussels"},
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	post := func() int {
		t.Helper()
		response, err := browser.PostForm(s.address+"/setup", form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if status := post(); status != http.StatusOK { // of the page for the connection, where it leads
		t.Fatalf("the form: %d", status)
	}
	if status := post(); status != http.StatusGone {
		t.Errorf("the form again: %d", status)
	}
	s.end(t)
	for what, said := range map[string]string{"key": key, "password": "canary words of anna"} {
		if strings.Contains(s.log.String(), said) {
			t.Errorf("the %s is in the log", what)
		}
	}

	again := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	status, body := get(t, again.address+"/")
	if status != http.StatusOK || strings.Contains(again.said.String(), "setup") || !strings.Contains(body, "Sign in") {
		t.Errorf("started again: %d, the console says %s", status, again.said)
	}
	again.end(t)
}
