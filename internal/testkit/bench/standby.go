package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"lineboard/internal/sandbox"
)

// takeOverAim is how long it may take from the loss of a machine until another one has released, in seconds.
const takeOverAim = 15.0

// As keepalived asks in docs/operate: every second, until so many in a row failed.
const (
	checkGap   = time.Second
	checkFalls = 6
)

// standby is a machine that can release, or that stands by.
type standby struct {
	*bench
	litestream string
	place      string
	name       string
	server     *program
	copier     *exec.Cmd
}

// measureStandby loses the machine of a database with many serials, and measures the time until another one has released: once
// with a followed copy, and once where all is restored.
func (b *bench) measureStandby(ctx context.Context) error {
	litestream, err := litestreamProgram()
	if err != nil {
		b.say("standby: skipped, since Litestream is not there: make soak installs it")
		return nil
	}
	s := &standby{bench: b, litestream: litestream, place: filepath.Join(b.folder, "standby-place"), name: "standby"}
	if err := os.Mkdir(s.place, 0o700); err != nil {
		return err
	}
	serials, err := s.fill(ctx)
	if err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	for i, follows := range []bool{true, false} {
		took, err := s.takeOver(ctx, fmt.Sprint("standby", i), follows, fmt.Sprint("standby-last-", i))
		if err != nil {
			return err
		}
		what := "from the loss of a machine to a release at the other, all restored"
		if follows {
			what = "from the loss of a machine to a release at the other, copy followed"
		}
		b.table.add(partStandby, fmt.Sprintf("%s, %s serials", what, thousands(int64(serials))),
			figure{took.Seconds(), "s"}, figure{takeOverAim, "s"}, "aim, or less")
	}
	return errors.Join(s.copier.Process.Kill(), b.stop(s.server))
}

// fill has Lineboard release large orders, until its lists have as many serials as are wanted. Two more wait.
func (s *standby) fill(ctx context.Context) (serials int, err error) {
	large := min(s.bulk, s.serials)
	var orders []sandbox.Order
	add := func(key string, quantity int) {
		orders = append(orders, sandbox.Order{
			ID: key, LineCode: otherLine, LineName: "Blister line 1", Product: "Paracetamol 500 mg", GTIN: gtin(0),
			Lot: "PA26C01", Expiry: "2029-05-31", Quantity: quantity, Status: sandbox.PendingRelease,
		})
	}
	for i := range s.serials / large {
		add(fmt.Sprintf("standby-%03d", i), large)
	}
	add("standby-last-0", few)
	add("standby-last-1", few)
	if _, err := s.remote.call(ctx, http.MethodPut, "/sandbox/orders", orders); err != nil {
		return 0, err
	}
	server, err := s.serve(ctx, s.name)
	if err != nil {
		return 0, err
	}
	person, err := signIn(ctx, server)
	if err != nil {
		return 0, err
	}
	s.say("standby: releasing %s serials", thousands(int64(s.serials)))
	for _, o := range orders[:len(orders)-2] {
		armed, err := person.arm(ctx, o.ID)
		if err != nil {
			return 0, err
		}
		if _, err := person.press(ctx, armed); err != nil {
			return 0, err
		}
		serials += large
	}
	return serials, s.stop(server)
}

func (s *standby) flags(command, name string) []string {
	return []string{
		command, "--data", s.dataFolder(name), "--copy-to", s.place, "--copy-socket", filepath.Join(s.folder, name+".s"),
	}
}

// begin starts Lineboard and Litestream, and waits until it can release.
func (s *standby) begin(ctx context.Context) (err error) {
	s.server, err = s.start(ctx, "lineboard ("+s.name+")", s.binary, append(s.flags("serve", s.name),
		"--addr", "127.0.0.1:0", "--provision", s.provisionFile(), "--refresh", "24h", "--rate-limit", "0")...)
	if err != nil {
		return err
	}
	config := filepath.Join(s.dataFolder(s.name), "litestream.yml")
	s.copier = exec.CommandContext(ctx, s.litestream, "replicate", "-config", config, "-no-expand-env")
	if err := s.copier.Start(); err != nil {
		return err
	}
	return s.server.awaitReady(ctx)
}

// takeOver loses the machine that releases, and has another one release an order. It returns how long that took.
func (s *standby) takeOver(ctx context.Context, name string, follows bool, order string) (time.Duration, error) {
	data := s.dataFolder(name)
	key, err := os.ReadFile(filepath.Join(s.dataFolder(s.name), "lineboard.key"))
	if err = errors.Join(err, os.Mkdir(data, 0o700)); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(data, "lineboard.key"), key, 0o600); err != nil {
		return 0, err
	}
	stop := func() error { return nil }
	if follows {
		if stop, err = s.follow(ctx, name); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(s.server.command.Process.Kill(), s.copier.Process.Kill()); err != nil {
		return 0, err
	}
	lost := time.Now()
	for failed := 0; failed < checkFalls; {
		if ok, err := answers(ctx, s.server.base+"/healthz"); err != nil {
			return 0, err
		} else if !ok {
			failed++
		}
		time.Sleep(checkGap)
	}
	s.forget(s.server)
	if err := stop(); err != nil {
		return 0, err
	}
	promote := exec.CommandContext(ctx, s.binary, append(s.flags("promote", name), "--litestream", s.litestream)...)
	if said, err := promote.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("promote: %w\n%s", err, said)
	}
	s.name = name
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	person, err := signIn(ctx, s.server)
	if err != nil {
		return 0, err
	}
	armed, err := person.arm(ctx, order)
	if err != nil {
		return 0, err
	}
	_, err = person.press(ctx, armed)
	return time.Since(lost), err
}

// follow has a machine follow the copy, and returns once it has all of it. stop ends that.
func (s *standby) follow(ctx context.Context, name string) (stop func() error, err error) {
	follower := exec.CommandContext(ctx, s.binary, "follow", "--data", s.dataFolder(name), "--copy-to", s.place,
		"--litestream", s.litestream)
	if err := follower.Start(); err != nil {
		return nil, err
	}
	stop = func() error {
		return errors.Join(follower.Process.Signal(os.Interrupt), follower.Wait())
	}
	copied := filepath.Join(s.dataFolder(name), "follower", "*", "lineboard.db-txid")
	for end := time.Now().Add(2 * startLimit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found, _ := filepath.Glob(copied); len(found) > 0 {
			return stop, nil
		}
	}
	return nil, errors.Join(errors.New("the copy is not followed"), stop())
}
