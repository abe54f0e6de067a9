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
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, []string{"promote", "--data", data, "--copy-to", place, "--copy-socket", data + "/s"},
			Process{Getenv: func(string) string { return "" }, Stdout: io.Discard, Stderr: io.Discard})
	}()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("it says %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
	}
	if writer, err := os.OpenFile(epoch, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil { // let the one go who waits
		_ = writer.Close()
	}
}
