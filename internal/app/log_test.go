package app

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheLogIsJSONWithAnIDForEachRequestWhereTheFlagsSaySo(t *testing.T) {
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--log-format", "json",
		"--verbose",
		"--provision", site(t, "http://127.0.0.1:1"))
	if status, _ := get(t, s.address+"/login?next=%2Fcanary"); status != http.StatusOK {
		t.Fatalf("login: %d", status)
	}
	s.end(t)
	requests := 0
	for line := range strings.Lines(s.log.String()) {
		var entry struct{ Level, Msg, Path, Request string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if entry.Msg == "request" {
			requests++
			if entry.Path != "/login" || len(entry.Request) != 12 || entry.Level != "INFO" {
				t.Errorf("%s", line)
			}
		}
	}
	if requests != 1 || strings.Contains(s.log.String(), "canary") {
		t.Errorf("%d requests: %s", requests, s.log)
	}

	quiet := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--log-level", "error", "--verbose")
	quiet.end(t)
	if said := quiet.log.String(); said != "" {
		t.Errorf("at level error: %s", said)
	}
	for flag, value := range map[string]string{"--log-format": "xml", "--log-level": "loud"} {
		if _, err := command(t, nil, "serve", flag, value); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s %s: %v", flag, value, err)
		}
	}
}

// Programs that read the log line by line must read those too that the server of HTTP has to say, and the last one.
func TestEachLineOfALogInJSONIsOneThing(t *testing.T) {
	cert, key, client := certify(t)
	args := []string{
		"serve", "--log-format", "json", "--verbose", "--tls-cert", cert, "--tls-key", key, "--data", t.TempDir(), "--addr",
	}
	s := start(t, nil, append(args, "127.0.0.1:0")...)
	plain := strings.Replace(s.address, "https:", "http:", 1)
	if status, _ := get(t, plain+"/login"); status != http.StatusBadRequest {
		t.Errorf("plain HTTP: %d", status)
	}
	odd, err := client.Get(s.address + "/a%0Ab%1B%00%FF")
	if err != nil {
		t.Fatal(err)
	}
	odd.Body.Close()
	s.end(t)
	log := &output{}
	args[len(args)-2] = t.TempDir()
	taken := start(t, nil, "sandbox", "--addr", "127.0.0.1:0")
	err = Run(t.Context(), append(args, strings.TrimPrefix(taken.address, "http://")),
		Process{Getenv: environ(nil), Stdout: io.Discard, Stderr: log})
	var said interface{ Said() }
	if !errors.As(err, &said) {
		t.Errorf("it would be told once more: %v", err)
	}
	all := s.log.String() + log.String()
	for line := range strings.Lines(all) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	for _, says := range []string{"TLS handshake error", `/a\nb\u001b\u0000`, "can't listen on"} {
		if !strings.Contains(all, says) {
			t.Errorf("it does not say %s: %s", says, all)
		}
	}
}
