//go:build peers

package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// litestream returns the program: that of make peers, or the one that is installed.
func litestream(t *testing.T) string {
	t.Helper()
	if made, err := filepath.Abs(filepath.Join("..", "..", ".bin", "litestream")); err == nil {
		if _, err := os.Stat(made); err == nil {
			return made
		}
	}
	path, err := exec.LookPath("litestream")
	if err != nil {
		t.Skipf("it needs litestream: %v", err)
	}
	return path
}

// Litestream copies the database of a running Lineboard all the time, while backup, doctor and verify read it too. What
// it restores is what was there, and its history holds.
func TestLitestreamBackupDoctorAndVerifyWorkBesideLineboard(t *testing.T) {
	program, folder := litestream(t), t.TempDir()
	data, copies, restored := filepath.Join(folder, "data"), filepath.Join(folder, "copies"), filepath.Join(
		folder, "restored",
	)
	_, remote := remoteSandbox(t)
	s := start(
		t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--https", "--provision", site(t, remote),
	)
	waitForOrder(t, data, "Order143")

	config := filepath.Join(folder, "litestream.yml")
	text := fmt.Sprintf("dbs:\n  - path: %s\n    replica: {type: file, path: %s, sync-interval: 100ms}\n",
		filepath.Join(data, databaseFile), copies)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said output
	copier := exec.Command(program, "replicate", "-config", config)
	copier.Stdout, copier.Stderr = &said, &said
	if err := copier.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- copier.Wait() }()
	t.Cleanup(func() { _ = copier.Process.Kill() })

	s.releaseOne(t, data, "Order143")
	if _, err := command(t, nil, "backup", "--data", data, "--to", filepath.Join(folder, "backup.db")); err != nil {
		t.Errorf("backup: %v", err)
	}
	if r, code := examined(t, "--data", data, "--https"); code == exitFault {
		t.Errorf("doctor: %+v", r)
	}
	if _, err := command(t, nil, "verify", "--data", data); err != nil {
		t.Errorf("verify: %v", err)
	}
	if _, err := command(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data); err == nil ||
		!strings.Contains(err.Error(), "another Lineboard") {
		t.Errorf("a second Lineboard: %v", err)
	}
	s.end(t)
	// with the tables that Litestream made
	start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data).end(t)
	time.Sleep(time.Second) // ten times the pace of copying
	if err := copier.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Logf("litestream ended with %v: %s", err, &said)
	}

	if err := os.MkdirAll(restored, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	restore := exec.CommandContext(ctx, program, "restore", "-config", config, "-o",
		filepath.Join(restored, databaseFile),
		filepath.Join(data, databaseFile))
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("restore: %v: %s, and while copying: %s", err, out, &said)
	}
	for _, name := range []string{keyFile, anchorsFile} {
		if err := os.WriteFile(filepath.Join(restored, name), []byte(content(t, data, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if printed, err := command(t, nil, "verify", "--data", restored); err != nil {
		t.Errorf("what was restored: %v: %s", err, printed)
	}
	if o := orderIn(t, restored, "Order143"); o.Release.Outcome != packaging.Released {
		t.Errorf("the order there: %+v", o.Release)
	}
}
