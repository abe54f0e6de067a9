package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/internal/sandbox"
)

// The most that a copy which is waited for should add to a release, in ms.
const (
	leavesAim = 60.0
	wholeAim  = 120.0
)

// copyLines is how many lines release at once.
const copyLines = 8

// copied measures releases with a copy that is waited for, beside those without one.
type copied struct {
	*bench
	watch   *watch
	road    *httptest.Server // to the sandbox, which is watched
	copiers []*exec.Cmd
	sides   [2]*copySide
}

// copySide is a Lineboard with a copy or without.
type copySide struct {
	name   string
	server *program
	person *person
	placed int       // orders that were pressed
	took   []float64 // ms from a press to its answer
	left   []float64 // ms from a press until its call has left
}

// measureCopy compares releases with a copy and without one in turns. Then lines release at once, and one releases
// beside an import.
func (b *bench) measureCopy(ctx context.Context) error {
	litestream, err := litestreamProgram()
	if err != nil {
		b.say("copy: skipped, since Litestream is not there: make soak installs it")
		return nil
	}
	b.say("copy: releases, lines at once, and an import")
	c := &copied{bench: b}
	if err := c.begin(ctx, litestream); err != nil {
		return err
	}
	defer c.end()
	for range b.rounds * b.small {
		for _, s := range c.sides {
			if err := c.press(ctx, s); err != nil {
				return err
			}
		}
	}
	c.addPresses()
	if err := c.together(ctx); err != nil {
		return err
	}
	if err := c.besideImport(ctx); err != nil {
		return err
	}
	for _, s := range c.sides {
		if err := b.stop(s.server); err != nil {
			return err
		}
	}
	return nil
}

// end stops what would outlive the measurement.
func (c *copied) end() {
	c.road.Close()
	for _, copier := range c.copiers {
		_ = copier.Process.Kill()
		_ = copier.Wait()
	}
}

// litestreamProgram returns the program that make soak installs, or the one on the path.
func litestreamProgram() (string, error) {
	if made, err := filepath.Abs(filepath.Join(".bin", "litestream")); err == nil {
		if _, err := os.Stat(made); err == nil {
			return made, nil
		}
	}
	return exec.LookPath("litestream")
}

// begin starts both sides. They call the sandbox by way of a proxy that notes when a release has left.
func (c *copied) begin(ctx context.Context, litestream string) error {
	var err error
	if c.watch, err = newWatch(c.remote.base); err != nil {
		return err
	}
	c.road = httptest.NewServer(c.watch)
	site, err := os.ReadFile(c.provisionFile())
	if err != nil {
		return err
	}
	provision := filepath.Join(c.folder, "copy.yaml")
	if err := os.WriteFile(
		provision, []byte(strings.ReplaceAll(string(site), c.remote.base, c.road.URL)), 0o600,
	); err != nil {
		return err
	}
	place := filepath.Join(c.folder, "place")
	if err := os.Mkdir(place, 0o700); err != nil {
		return err
	}
	orders := c.rounds*c.small + copyLines*c.rounds + importPresses
	for i, name := range []string{"plain", "copied"} {
		s := &copySide{name: name}
		c.sides[i] = s
		if err := c.put(ctx, s, orders); err != nil {
			return err
		}
	}
	for _, s := range c.sides {
		args := []string{
			"serve", "--addr", "127.0.0.1:0", "--data", c.dataFolder(s.name), "--provision", provision,
			"--refresh", "24h", "--rate-limit", "0", "--connection-limit", "0",
		}
		if s.name == "copied" {
			args = append(args, "--copy-to", place, "--copy-socket", filepath.Join(c.folder, "s"))
		}
		if s.server, err = c.start(ctx, "lineboard ("+s.name+")", c.binary, args...); err != nil {
			return err
		}
		if s.name == "copied" {
			if err := c.copyBy(ctx, litestream, c.dataFolder(s.name)); err != nil {
				return err
			}
		}
		if err := s.server.awaitReady(ctx); err != nil {
			return err
		}
		if s.person, err = signIn(ctx, s.server); err != nil {
			return err
		}
	}
	return nil
}

// copyBy starts Litestream with the configuration that Lineboard has written.
func (c *copied) copyBy(ctx context.Context, litestream, data string) error {
	config := filepath.Join(data, "litestream.yml")
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(config); err != nil {
			continue
		}
		command := exec.CommandContext(ctx, litestream, "replicate", "-config", config, "-no-expand-env")
		if err := command.Start(); err != nil {
			return err
		}
		c.copiers = append(c.copiers, command)
		return nil
	}
	return fmt.Errorf("%s does not come", config)
}

func (s *copySide) key(place int) string { return fmt.Sprintf("copy-%s-%04d", s.name, place) }

// put gives the sandbox the orders of a side.
func (c *copied) put(ctx context.Context, s *copySide, count int) error {
	var orders []sandbox.Order
	for i := range count {
		orders = append(orders, sandbox.Order{
			ID: s.key(i), LineCode: otherLine, LineName: "Blister line 1", Product: "Paracetamol 500 mg",
			GTIN: gtin(0), Lot: "PA26C01", Expiry: "2029-05-31", Quantity: few, Status: sandbox.PendingRelease,
		})
	}
	_, err := c.remote.call(ctx, http.MethodPut, "/sandbox/orders", orders)
	return err
}

// press presses release of a side's next order.
func (c *copied) press(ctx context.Context, s *copySide) error {
	key := s.key(s.placed)
	s.placed++
	armed, err := s.person.arm(ctx, key)
	if err != nil {
		return err
	}
	began := time.Now()
	took, err := s.person.press(ctx, armed)
	if err != nil {
		return err
	}
	left := c.watch.left(key)
	if left.IsZero() {
		return fmt.Errorf("%w %s\n%s", errRefused, key, s.server.said)
	}
	s.took, s.left = append(s.took, milliseconds(took)), append(s.left, milliseconds(left.Sub(began)))
	return nil
}

// errRefused is the error of a press that Lineboard itself refused.
var errRefused = errors.New("was answered, and nothing was sent: the press of")

func (c *copied) addPresses() {
	plain, copied := c.sides[0], c.sides[1]
	add := func(what string, ours, beside []float64, aim float64) {
		c.table.add(partCopy, what, figure{median(ours), "ms"}, figure{median(beside), "ms"}, "without a copy")
		c.table.add(
			partCopy, "  what the copy adds", figure{median(differences(ours, beside)), "ms"}, figure{aim, "ms"},
			"aim, or less",
		)
	}
	add("release with a copy that is waited for, until the call leaves", copied.left, plain.left, leavesAim)
	add("  from POST to 303", copied.took, plain.took, wholeAim)
}

// together has lines release at once, and compares what one of them waits with a press alone, and with lines that have
// no copy.
func (c *copied) together(ctx context.Context) error {
	var took [2][]float64
	for range c.rounds {
		for i, s := range c.sides {
			all, err := c.pressTogether(ctx, s)
			if err != nil {
				return err
			}
			took[i] = append(took[i], all...)
		}
	}
	what := fmt.Sprintf("  %d lines at once, with a copy", copyLines)
	c.table.add(partCopy, what, figure{median(took[1]), "ms"}, figure{median(took[0]), "ms"}, "without a copy")
	c.table.add(partCopy, what, figure{median(took[1]), "ms"}, figure{median(c.sides[1].took), "ms"}, "one line")
	return nil
}

// pressTogether presses release of an order a line at once, and returns how long each took.
func (c *copied) pressTogether(ctx context.Context, s *copySide) (took []float64, err error) {
	armed := make([]order, copyLines)
	for i := range armed {
		if armed[i], err = s.person.arm(ctx, s.key(s.placed)); err != nil {
			return nil, err
		}
		s.placed++
	}
	took = make([]float64, copyLines)
	var lines errgroup.Group
	for i, o := range armed {
		lines.Go(func() error {
			one, err := s.person.press(ctx, o)
			took[i] = milliseconds(one)
			return err
		})
	}
	return took, lines.Wait()
}

// importPresses is how many releases are pressed beside an import, at most.
const importPresses = 60

// besideImport presses release while a large import is stored and copied, and counts what is refused.
func (c *copied) besideImport(ctx context.Context) error {
	s := c.sides[1]
	file := filepath.Join(c.folder, "copied.csv")
	if err := writeOrders(file, 0, c.imported); err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	preview, err := s.person.upload(ctx, "orders.csv", content)
	if err != nil {
		return err
	}
	alone := median(s.took)
	s.took = nil
	refused := 0
	press := func() error {
		err := c.press(ctx, s)
		if errors.Is(err, errRefused) {
			refused++
			return nil
		}
		return err
	}
	imported := make(chan error, 1)
	go func() { imported <- s.person.apply(ctx, preview) }()
	for running := true; running && len(s.took)+refused < importPresses-10; {
		select {
		case err := <-imported:
			if err != nil {
				return err
			}
			running = false
		default:
			if err := press(); err != nil {
				return err
			}
		}
	}
	for range 10 { // and while the rest of it is copied
		if err := press(); err != nil {
			return err
		}
	}
	for _, percent := range []float64{50, 100} {
		c.table.add(partCopy, fmt.Sprintf("  beside an import of %s orders, %d refused of %d, %.0f of 100",
			thousands(int64(c.imported)), refused, refused+len(s.took), percent),
			figure{percentile(s.took, percent), "ms"}, figure{alone, "ms"}, "without an import")
	}
	return nil
}

// watch stands before the sandbox, and notes when the releases of orders have left.
type watch struct {
	proxy http.Handler
	mu    sync.Mutex
	at    map[string]time.Time
}

func newWatch(base string) (*watch, error) {
	to, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	return &watch{proxy: httputil.NewSingleHostReverseProxy(to), at: map[string]time.Time{}}, nil
}

func (w *watch) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/release_to_line") {
		w.note(r, time.Now())
	}
	w.proxy.ServeHTTP(out, r)
}

// note notes which order a call releases, and leaves it as it is.
func (w *watch) note(r *http.Request, at time.Time) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the proxy fails too, and the press with it
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var sent struct {
		Order string `json:"order_id"`
	}
	if json.Unmarshal(body, &sent) == nil {
		w.mu.Lock()
		w.at[sent.Order] = at
		w.mu.Unlock()
	}
}

// left returns when the release of an order left, zero if it did not.
func (w *watch) left(order string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at[order]
}
