package app

import (
	"encoding/json"
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
