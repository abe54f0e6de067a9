package alarms

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
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
	target   string
	settings packaging.AlarmSettings
	sending  chan struct{}
	noted    atomic.Int32
}

func (w *waiting) AlarmSettings(
	context.Context, packaging.TenantID,
) (packaging.AlarmSettings, secret.Text, secret.Text, error) {
	return w.settings, secret.Text{}, secret.Text{}, nil
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

func (w *waiting) NoteHeartbeat(context.Context, packaging.TenantID, string) error { return nil }

func (w *waiting) ResumeMessages(context.Context) error { return nil }

func (w *waiting) RaiseAlarms(context.Context, packaging.Tenant, []packaging.AlarmFact) error {
	return nil
}

func (w *waiting) Tenants(context.Context) ([]packaging.Tenant, error) { return nil, nil }

func (w *waiting) Target(context.Context, packaging.TenantID, packaging.RecipientID) (secret.Text, secret.Text, error) {
	return secret.New(w.target), secret.Text{}, nil
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
	case <-time.After(5 * time.Second):
		t.Error("it waits for the receiver")
	}
}
