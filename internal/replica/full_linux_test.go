package replica

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Half of an epoch's file would say that another machine took over.
func TestAPlaceWhoseDiskIsFullBeginsNoEpoch(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it needs root, to mount a small disk")
	}
	server := newSFTP(t)
	for kind, address := range map[string]string{"folder": "", "sftp": "sftp://line@" + server.address} {
		t.Run(kind, func(t *testing.T) {
			disk := t.TempDir()
			if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=16k,mode=700"); err != nil {
				t.Skipf("a small disk can't be mounted: %v", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
			place, err := Open(address+disk, server.keyFile, server.hostKey)
			if err != nil {
				t.Fatal(err)
			}
			filler := filepath.Join(disk, "filler")
			if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("it is not full: %v", err)
			}
			epoch := NewEpoch(1, time.Now())
			if err := Begin(t.Context(), place, epoch); err == nil {
				t.Error("an epoch begins on a full disk")
			}
			if there, err := Latest(t.Context(), place); err != nil || there.Number != 0 {
				t.Errorf("after that: %+v, %v", there, err)
			}
			if err := errors.Join(os.Remove(filler), Begin(t.Context(), place, epoch)); err != nil {
				t.Errorf("with room again: %v", err)
			}
		})
	}
}
