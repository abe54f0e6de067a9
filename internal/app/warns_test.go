package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// What is tried at each change of an order fails thousands of times a day while one thing is wrong.
func TestWhatFailsAgainForTheSameReasonIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	a := &App{parts: Parts{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	ctx, stop := context.WithCancel(t.Context())
	warn := a.warns(ctx, "not compared")
	damaged, full := errors.New("damaged"), errors.New("full")
	for _, err := range []error{damaged, damaged, nil, damaged, damaged, full, full} {
		warn(err)
	}
	stop()
	warn(damaged) // the program ends
	var got []string
	for line := range strings.Lines(log.String()) {
		_, why, _ := strings.Cut(strings.TrimSpace(line), "err=")
		got = append(got, why)
	}
	if want := "damaged damaged full"; strings.Join(got, " ") != want {
		t.Errorf("logged %v, want %s", got, want)
	}
}
