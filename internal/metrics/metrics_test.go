package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// full is a state in which nothing is absent.
func full(context.Context) (State, error) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	histogram := packaging.Histogram{
		Bounds: []time.Duration{time.Millisecond, time.Second}, Counts: []int64{3, 2, 1}, Sum: 4 * time.Second,
	}
	return State{
		Now: now, Held: 2, Pages: 3, DatabaseBytes: 4096, LogBytes: 512, CertificateEnds: now.Add(time.Hour),
		Sites: []Site{{
			Slug: "ghent", APIDown: true, OrdersAsOf: now.Add(-time.Minute), Unknown: 1,
			OldestUnknown: now.Add(-time.Hour), Waiting: packaging.Waiting{
				Lists:      map[packaging.DeliveryState]int{packaging.DeliveryHeld: 2},
				OldestList: now.Add(-20 * time.Minute),
				Alarms:     3, Messages: 1, OldestMessage: now.Add(-time.Minute),
			},
		}},
		Backups: packaging.Backups{Last: now.Add(-2 * time.Hour)},
		Check:   packaging.SelfCheck{Ended: now},
		Copied: packaging.CopyState{
			On: true, Confirmed: now.Add(-time.Minute), Behind: now.Add(-30 * time.Second), Problem: "hung",
			Standby: &packaging.Epoch{Number: 3},
		},
		Writer: []packaging.WriterTimes{{Turn: packaging.ReleaseTurn, Waits: histogram, Holds: histogram}},
	}, nil
}

func scrape(t *testing.T, h http.Handler, authorization string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}

func TestWhatHappensAndHowThingsAreIsMeasured(t *testing.T) {
	m := New("1.2.3", "go1.26", full, slog.New(slog.DiscardHandler))
	m.Released("ghent", "L1", packaging.Released, 400*time.Millisecond)
	m.Called("details", packaging.TimedOut, 15*time.Second)
	m.Called("open", packaging.NoReason, time.Second)
	m.Cached(true)
	status, text := scrape(t, m.Handler(), "")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	for _, line := range []string{
		`lineboard_copy_lag_seconds 30`,
		`lineboard_copy_failed 1`,
		`lineboard_copy_epoch 3`,
		`lineboard_taken_over 0`,
		`lineboard_build_info{go="go1.26",version="1.2.3"} 1`,
		`lineboard_releases_total{line="L1",outcome="released",site="ghent"} 1`,
		`lineboard_release_seconds_bucket{outcome="released",le="0.5"} 1`,
		`lineboard_api_call_seconds_count{call="details",reason="timed_out"} 1`,
		`lineboard_api_call_seconds_count{call="open",reason="ok"} 1`,
		`lineboard_page_cache_total{result="hit"} 1`,
		`lineboard_api_down{site="ghent"} 1`,
		`lineboard_orders_age_seconds{site="ghent"} 60`,
		`lineboard_unknown_outcome_age_seconds{site="ghent"} 3600`,
		`lineboard_deliveries{site="ghent",state="held"} 2`,
		`lineboard_deliveries{site="ghent",state="waiting"} 0`,
		`lineboard_delivery_age_seconds{site="ghent"} 1200`,
		`lineboard_alarms{site="ghent"} 3`,
		`lineboard_alarm_messages{site="ghent"} 1`,
		`lineboard_alarm_message_age_seconds{site="ghent"} 60`,
		`lineboard_answers_held 2`,
		`lineboard_backup_age_seconds 7200`,
		`lineboard_writer_wait_seconds_bucket{kind="release",le="0.001"} 3`,
		`lineboard_writer_wait_seconds_bucket{kind="release",le="1"} 5`,
		`lineboard_writer_wait_seconds_count{kind="release"} 6`,
		`lineboard_writer_hold_seconds_sum{kind="release"} 4`,
		`lineboard_state_unread 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("it lacks %s", line)
		}
	}
}

func TestAStateThatCanNotBeReadIsSaidAndHidesNothingElse(t *testing.T) {
	var log bytes.Buffer
	m := New("1", "go1.26", func(context.Context) (State, error) { return State{}, errors.New("disk full") },
		slog.New(slog.NewTextHandler(&log, nil)))
	status, text := scrape(t, m.Handler(), "")
	if status != http.StatusOK || !strings.Contains(text, "lineboard_state_unread 1") ||
		strings.Contains(text, "lineboard_answers_held ") || !strings.Contains(text, "go_goroutines ") {
		t.Errorf("%d %s", status, text)
	}
	if !strings.Contains(log.String(), "disk full") {
		t.Errorf("nobody learns why: %q", log.String())
	}
}

func TestLinesHaveABoundedNumberOfLabels(t *testing.T) {
	m := New("1", "go1.26", full, slog.New(slog.DiscardHandler))
	for i := range 10 * maxLines {
		m.Released("ghent", fmt.Sprintf("L%d", i), packaging.Released, time.Second)
	}
	m.Released("ghent", "", packaging.Refused, time.Second)
	m.Released("ghent", "L0", packaging.Released, time.Second)
	_, text := scrape(t, m.Handler(), "")
	if n := strings.Count(text, "lineboard_releases_total{"); n != maxLines+2 {
		t.Errorf("%d series", n)
	}
	for _, line := range []string{
		fmt.Sprintf(`lineboard_releases_total{line="other",outcome="released",site="ghent"} %d`, 9*maxLines),
		`lineboard_releases_total{line="none",outcome="refused",site="ghent"} 1`,
		`lineboard_releases_total{line="L0",outcome="released",site="ghent"} 2`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("it lacks %s", line)
		}
	}
}

func TestTheMainAddressServesMetricsForTheirTokenAlone(t *testing.T) {
	h := New("1", "go1.26", full, slog.New(slog.DiscardHandler)).HandlerFor(secret.New("canary-metrics-token"))
	for authorization, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer ": http.StatusUnauthorized, "Bearer another": http.StatusUnauthorized,
		"canary-metrics-token": http.StatusUnauthorized, "Bearer canary-metrics-token": http.StatusOK,
	} {
		status, text := scrape(t, h, authorization)
		if status != want || strings.Contains(text, "lineboard_") != (want == http.StatusOK) ||
			strings.Contains(text, "canary") {
			t.Errorf("%q: %d", authorization, status)
		}
	}
}

var metricName = regexp.MustCompile(`\b(?:lineboard|go|process)_[a-z0-9_]+\b`)

// A histogram has series of these names.
var histogramEnds = regexp.MustCompile(`_(?:bucket|sum|count)$`)

func TestEachMetricThatTheDocsNameExists(t *testing.T) {
	m := New("1", "go1.26", full, slog.New(slog.DiscardHandler))
	m.Released("ghent", "L1", packaging.Released, time.Second)
	m.Called("open", packaging.NoReason, time.Second)
	families, err := m.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, f := range families {
		exists[f.GetName()] = true
	}
	docs := filepath.Join("..", "..", "docs")
	reference := read(t, filepath.Join(docs, "reference.md"))
	for file, text := range map[string]string{
		"reference.md": reference,
		"alerts":       read(t, filepath.Join(docs, "operate", "alerts.yml")),
		"dashboard":    read(t, filepath.Join(docs, "operate", "grafana-dashboard.json")),
	} {
		names := metricName.FindAllString(text, -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
		for _, name := range names {
			if !exists[name] && !exists[histogramEnds.ReplaceAllString(name, "")] {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
	for name := range exists {
		if strings.HasPrefix(name, "lineboard_") && !strings.Contains(reference, "`"+name+"`") {
			t.Errorf("the reference lacks %s", name)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
