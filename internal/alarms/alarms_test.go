package alarms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
)

// What a receiver says may hold anything: C1 controls are shorter once they are blanks.
func TestWhatAReceiverSaysIsOneShortLine(t *testing.T) {
	for _, said := range []string{
		"500 a\u0085b", strings.Repeat("\u0085é", 400), "\xff\x00broken\r\nSubject: another", "",
	} {
		if got := reason(errors.New(said)); !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00\u0085") ||
			len(got) > 304 {
			t.Errorf("%q is noted as %q", said, got)
		}
	}
}

// waiting has one message for a webhook, and nothing else.
type waiting struct {
	target    string
	settings  packaging.AlarmSettings
	sending   chan struct{}
	noted     atomic.Int32
	tenants   []packaging.Tenant
	beat      string
	password  string
	key       string // that messages are signed with
	heartbeat string // what came of the last one
	unread    error  // why sites can't be read
	unraised  error  // why alarms can't be raised
}

func (w *waiting) AlarmSettings(
	context.Context, packaging.TenantID,
) (packaging.AlarmSettings, secret.Text, secret.Text, error) {
	return w.settings, secret.New(w.password), secret.New(w.beat), nil
}
func (w *waiting) DropMessages(context.Context, time.Time) error { return nil }
func (w *waiting) DueMessages(context.Context) ([]packaging.AlarmMessage, error) {
	select {
	case w.sending <- struct{}{}:
		return []packaging.AlarmMessage{{ID: "1", Recipient: packaging.Recipient{Kind: packaging.BySlack}}}, nil
	default:
		return nil, nil
	}
}

func (w *waiting) MessageFailed(context.Context, packaging.AlarmMessage, string) error {
	w.noted.Add(1)
	return nil
}

func (w *waiting) MessageSent(context.Context, string) error { w.noted.Add(1); return nil }

func (w *waiting) NoteHeartbeat(_ context.Context, _ packaging.TenantID, problem string) error {
	w.heartbeat = problem
	return nil
}

func (w *waiting) ResumeMessages(context.Context) error { return nil }

func (w *waiting) RaiseAlarms(context.Context, packaging.Tenant, []packaging.AlarmFact) error {
	return w.unraised
}

func (w *waiting) Tenants(context.Context) ([]packaging.Tenant, error) { return w.tenants, w.unread }

func (w *waiting) Target(context.Context, packaging.TenantID, packaging.RecipientID) (secret.Text, secret.Text, error) {
	return secret.New(w.target), secret.New(w.key), nil
}

func TestAStopDoesNotWaitForAReceiverThatNeverAnswers(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	store := &waiting{target: "http://" + silent.Addr().String(), settings: packaging.AlarmSettings{Language: "en"}, sending: make(chan struct{}, 1)}
	dialled := make(chan struct{}, 1)
	a := New(Options{
		Store: store, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Every: time.Hour,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled <- struct{}{}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	<-dialled
	cancel()
	select {
	case err := <-ended:
		if err != nil || store.noted.Load() > 0 {
			t.Errorf("it ended with %v, and noted %d messages that a stop cut off", err, store.noted.Load())
		}
	case <-time.After(60 * time.Second):
		t.Error("it waits for the receiver")
	}
}

func TestAHeartbeatFallsSilentWhereNoAlarmCanBeRaised(t *testing.T) {
	var heard atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	defer service.Close()
	now := time.Now()
	store := &waiting{
		tenants: []packaging.Tenant{{ID: 1}}, beat: service.URL,
		settings: packaging.AlarmSettings{HeartbeatEvery: time.Minute},
	}
	a := New(Options{
		Store: store, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		Dial: new(net.Dialer).DialContext,
	})
	look := func() int32 {
		t.Helper()
		now = now.Add(time.Hour)
		before := heard.Load()
		_ = a.Look(t.Context())
		a.Wait()
		return heard.Load() - before
	}
	if n := look(); n != 1 {
		t.Fatalf("it beats %d times", n)
	}
	broken := errors.New("the disk is full")
	for name, silent := range map[string]*error{"sites can't be read": &store.unread, "alarms can't be raised": &store.unraised} {
		*silent = broken
		if n := look(); n != 0 {
			t.Errorf("%s: it beats %d times", name, n)
		}
		*silent = nil
		if n := look(); n != 1 {
			t.Errorf("once %s no more: it beats %d times", name, n)
		}
	}
}

// Only lists have serial numbers, and no message names one: these have a fact of each kind, and its words are all there
// is.
func TestAMessageSaysWhatWhichLineSinceWhenAndWhatToDoInEachLanguage(t *testing.T) {
	since := time.Date(2026, 11, 30, 2, 4, 0, 0, time.UTC)
	site := packaging.Tenant{Name: "Ghent", TimeZone: "Europe/Brussels"}
	for _, language := range text.Languages {
		settings := packaging.AlarmSettings{Language: string(language), Address: "https://lineboard.plant.example"}
		doing := map[string]packaging.AlarmKind{}
		for _, kind := range packaging.AlarmKinds {
			f := packaging.AlarmFact{Kind: kind, Since: since}
			if kind.OfLine() {
				f.Line, f.OrderKey = packaging.Line{ID: 1, Code: "L1", Name: "Blister line 1"}, "Order143"
			}
			if kind == packaging.AlarmEnding {
				f.Detail = "2026-12-24"
			}
			m := packaging.AlarmMessage{Tenant: site, Items: []packaging.AlarmItem{
				{Says: packaging.AlarmBegan, At: since, Alarm: packaging.Alarm{Fact: f}},
			}}
			said := compose(settings, m)
			if kind.OfLine() && !(strings.Contains(said.subject, "Blister line 1") && strings.Contains(said.subject, "Order143")) {
				t.Errorf("%s, %s: the subject is %q", language, kind, said.subject)
			}
			lines := strings.Split(said.items[0].body, "\n")
			if kind != packaging.AlarmEnding && !strings.Contains(lines[0], "03:04:00 +01:00") || len(lines) < 2 || lines[1] == "" ||
				!strings.HasPrefix(said.items[0].link, settings.Address+"/") {
				t.Errorf("%s, %s: it says %q with the link %s", language, kind, lines, said.items[0].link)
			}
			if was, again := doing[lines[1]]; again {
				t.Errorf("%s: of %s and of %s one is to do the same: %q", language, was, kind, lines[1])
			}
			doing[lines[1]] = kind
		}
	}
}

// Teams and Slack refuse long messages, and who is woken reads no thousand lines. A program gets them all.
func TestAMessageOfAThousandAlarmsIsShortForPeopleAndWholeForPrograms(t *testing.T) {
	m := packaging.AlarmMessage{Tenant: packaging.Tenant{Name: "Ghent"}}
	for n := range 1_000 {
		m.Items = append(m.Items, packaging.AlarmItem{Says: packaging.AlarmBegan, Alarm: packaging.Alarm{
			Fact: packaging.AlarmFact{Kind: packaging.AlarmUnknown, OrderKey: fmt.Sprintf("Order%04d", n)},
		}})
	}
	said := compose(packaging.AlarmSettings{Language: "en", Address: "https://lineboard.plant.example"}, m)
	for kind, orders := range map[packaging.RecipientKind]int{
		packaging.ByTeams: maxItems, packaging.BySlack: maxItems, packaging.ByWebhook: 1_000,
	} {
		m.Recipient.Kind = kind
		body, err := json.Marshal(bodyOf(m, said))
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{}
		for _, order := range regexp.MustCompile(`Order\d{4}`).FindAllString(string(body), -1) {
			named[order] = true
		}
		if len(named) != orders || orders < 1_000 && (len(body) > 20_000 || !strings.Contains(string(body), "980 more alarms")) {
			t.Errorf("%s names %d orders in %d bytes", kind, len(named), len(body))
		}
	}
	mail := said.text()
	if !strings.Contains(said.subject, "1,000 alarms") || strings.Count(mail, "Outcome unknown") != maxItems ||
		!strings.Contains(mail, "980 more alarms\nThe first page of Lineboard has all of them.\nhttps://") {
		t.Errorf("the mail is %q: %s", said.subject, mail)
	}
}

// Another rule may be about the same: what comes by that one is not at an end.
func TestAMessageThatAnAlarmIsWithdrawnSpeaksOfItsRuleAlone(t *testing.T) {
	rules := map[text.Language]string{
		"en": "this rule", "de": "dieser Regel", "fr": "cette règle", "es": "sta regla", "hu": "E szabály",
	}
	for _, language := range text.Languages {
		said := compose(packaging.AlarmSettings{Language: string(language)}, packaging.AlarmMessage{
			Items: []packaging.AlarmItem{{
				Says: packaging.AlarmWithdrawn, Alarm: packaging.Alarm{Fact: packaging.AlarmFact{Kind: packaging.AlarmBackup}},
			}},
		})
		sentences := strings.Split(said.items[0].body, ". ")
		for _, one := range []string{said.items[0].head, sentences[len(sentences)-1]} {
			if !strings.Contains(one, rules[language]) {
				t.Errorf("%s: %q is more than it may say", language, one)
			}
		}
	}
}
