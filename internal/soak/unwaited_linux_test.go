package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// behind is a program that Litestream copies, and nobody waits for that: what is restored lacks the last moments.
type behind struct {
	*drill
	program string // Litestream's
	folder  string // where its configurations and copies are
	copies  int
}

func TestWithoutWaitingForTheCopyEachReleaseThatItLacksIsNamed(t *testing.T) {
	litestream := litestreamOf(t)
	eachSite(t, times(t, "SOAK_DRILLS", "10"), siteRestores, func(t *testing.T, random *rand.Rand, rounds int) {
		d := &drill{
			soak: newSoak(t, random), all: map[request]bool{}, sent: map[request]bool{}, counts: map[string]int{},
		}
		d.data = d.args[4]
		d.args = append(d.args, "--anchors", d.anchors()) // on another disk, which is not lost
		b := &behind{drill: d, program: litestream, folder: t.TempDir()}
		began := time.Now()
		for round := range rounds {
			copier := b.follow()
			b.work(round)
			end(copier, syscall.SIGKILL)
			b.loseMachine()
			b.check()
			b.acknowledge()
			b.running.kill()
			b.harvest()
			if t.Failed() {
				t.FailNow()
			}
		}
		t.Logf("%d rounds in %v, %d releases sent: %v", rounds, time.Since(began).Round(time.Second), len(b.sent), b.counts)
	})
}

// config is a configuration for Litestream with which it copies to a folder of its own.
func (b *behind) config() string {
	config, err := json.Marshal(map[string]any{"dbs": []any{map[string]any{
		"path": filepath.Join(b.data, "lineboard.db"), "truncate-page-n": -1,
		"replica": map[string]any{
			"type": "file", "path": filepath.Join(b.folder, fmt.Sprintf("copy-%d", b.copies)),
		},
	}}})
	file := filepath.Join(b.folder, "litestream.yml")
	if err = errors.Join(err, os.WriteFile(file, config, 0o600)); err != nil {
		b.t.Fatal(err)
	}
	return file
}

// follow starts Litestream.
func (b *behind) follow() *exec.Cmd {
	b.copies++
	copier := exec.Command(b.program, "replicate", "-config", b.config(), "-no-expand-env")
	copier.SysProcAttr = together
	if err := copier.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { end(copier, syscall.SIGKILL) })
	return copier
}

// loseMachine takes the data folder away, puts in its place what was copied of it, and starts the program again.
func (b *behind) loseMachine() {
	b.loseFolder()
	restore := exec.Command(
		b.program, "restore", "-config", b.config(), "-no-expand-env", "-if-replica-exists",
		"-o", filepath.Join(b.data, "lineboard.db"), filepath.Join(b.data, "lineboard.db"),
	)
	if said, err := restore.CombinedOutput(); err != nil {
		b.t.Fatalf("litestream restore: %v\n%s", err, said)
	}
	b.begin(b.args)
	b.web.signInAll(b.t)
}
