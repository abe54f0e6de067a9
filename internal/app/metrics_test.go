package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/internal/sandbox"
)

// freeAddress returns an address of this machine at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	s := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	s.end(t)
	return strings.TrimPrefix(s.address, "http://")
}

func TestMetricsAreOffByDefaultAndServedWhereTheFlagsSay(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("canary-metrics-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	remote := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	env := with(map[string]string{"KEY": sandbox.APIKey, "SECRET": sandbox.APISecret, "CHANNEL": sandbox.ChannelKey})
	data, own := t.TempDir(), freeAddress(t)
	s := start(t, env, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote.address),
		"--metrics-addr", own, "--metrics-token-file", token)
	browser, order := s.signIn(t), waitForOrder(t, data, "Order143")
	if status := s.press(t.Context(), browser, order); status != http.StatusSeeOther {
		t.Fatalf("the press: %d", status)
	}
	status, text := get(t, "http://"+own+"/metrics")
	for _, says := range []string{
		`lineboard_releases_total{line="L1",outcome="released",site="plant-ghent"} 1`,
		`lineboard_api_call_seconds_count{call="release",reason="ok"} 1`,
		`call="sign_in",reason="ok"`, `call="open",reason="ok"`, `lineboard_orders_age_seconds{site="plant-ghent"}`,
		`lineboard_unknown_outcomes{site="plant-ghent"} 0`, `lineboard_writer_hold_seconds_count{kind="release"}`,
	} {
		if !strings.Contains(text, says) {
			t.Errorf("%d, it lacks %s", status, says)
		}
	}
	if status, _ := get(t, "http://"+own+"/"); status != http.StatusNotFound {
		t.Errorf("another page at the address of metrics: %d", status)
	}
	if status, text := get(t, s.address+"/metrics"); status != http.StatusUnauthorized ||
		strings.Contains(text, "lineboard_") {
		t.Errorf("at the main address without the token: %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]int{
		"canary-metrics-token": http.StatusOK, "canary-of-a-guess": http.StatusUnauthorized,
	} {
		r.Header.Set("Authorization", "Bearer "+given)
		response, err := http.DefaultClient.Do(r)
		if err != nil || response.StatusCode != want {
			t.Fatalf("with %s: %v, %v", given, response, err)
		}
		response.Body.Close()
	}
	s.end(t)
	if log := s.log.String(); strings.Contains(log, "canary") || strings.Count(log, "event=wrong_api_token") != 1 {
		t.Errorf("a secret is in the log, or the wrong token is not: %s", log)
	}

	began := &output{}
	err = Run(t.Context(), []string{
		"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--metrics-addr", strings.TrimPrefix(remote.address, "http://"),
	}, Process{Getenv: environ(nil), Stdout: began, Stderr: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "given with --metrics-addr") || began.String() != "" {
		t.Errorf("at an address that is taken: %v, and it says %s", err, began)
	}

	plain := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	if status, text := get(t, plain.address+"/metrics"); strings.Contains(text, "lineboard_") {
		t.Errorf("without a flag: %d", status)
	}
	plain.end(t)
	if err := os.WriteFile(token, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, nil, "serve", "--data", data, "--metrics-token-file", token); err == nil ||
		!strings.Contains(err.Error(), "16 characters") {
		t.Errorf("a short token: %v", err)
	}
}
