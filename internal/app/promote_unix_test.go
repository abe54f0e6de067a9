//go:build unix

package app

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAPromotionThatIsStoppedEndsThoughThePlaceHangs(t *testing.T) {
	t.Parallel()
	place, data := t.TempDir(), t.TempDir()
	epoch := filepath.Join(place, "epochs", "000001")
	if err := errors.Join(os.Mkdir(filepath.Dir(epoch), 0o700), unix.Mkfifo(epoch, 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, []string{"promote", "--data", data, "--copy-to", place, "--copy-socket", data + "/s"},
			Process{Getenv: func(string) string { return "" }, Stdout: io.Discard, Stderr: io.Discard})
	}()
	writer := asked(t, epoch)
	defer writer.Close() //nolint:errcheck // nothing is written
	stop()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("it says %v", err)
		}
	case <-time.After(60 * time.Second):
		t.Error("it goes on")
	}
}

// asked waits until somebody reads a pipe, which then waits for what is never written.
func asked(t *testing.T, pipe string) *os.File {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if writer, err := os.OpenFile(pipe, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			return writer
		}
	}
	t.Fatal("nobody reads it")
	return nil
}

// A data folder that hangs hears of no context.
func TestAPromotionThatDoesNotGetOnIsGivenUpAndSaysWhereItHangs(t *testing.T) {
	t.Parallel()
	place, data := t.TempDir(), t.TempDir()
	hangs := filepath.Join(data, epochFile)
	if err := unix.Mkfifo(hangs, 0o600); err != nil {
		t.Fatal(err)
	}
	p := promote{
		replication: replication{CopyTo: place, CopySocket: data + "/s", CopyWait: time.Second}, Data: data,
		stands: 200 * time.Millisecond,
	}
	log := &output{}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(run{t.Context(), Process{Stdout: io.Discard, Stderr: log}}) }()
	writer := asked(t, hangs)
	defer writer.Close() //nolint:errcheck // nothing is written
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "begin the epoch") || !strings.Contains(log.String(), "ReadOwn") {
			t.Errorf("it says %v\n%s", err, log)
		}
	case <-time.After(60 * time.Second):
		t.Error("it goes on")
	}
}
