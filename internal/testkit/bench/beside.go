package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/internal/sandbox"
)

const (
	besidePresses = 100   // of one line, beside each kind of work
	besidePages   = 1_000 // open
	besideLists   = 4     // long ones, at once
	besideAim     = 50.0  // ms that a press may wait longer at p99 until its call leaves
)

// beside measures how long a press takes until its call leaves, beside work that takes long.
type beside struct {
	*bench
	presses *program // presses from a process of their own
	server  *program
	person  *person
	pressed int
	long    int // of orders with long lists
	files   int // that were imported
}

// measureBeside has one line release beside each kind of long work, one kind after the other, and then beside all.
func (b *bench) measureBeside(ctx context.Context) error {
	b.say("beside: filling")
	w := &beside{bench: b}
	if err := w.begin(ctx); err != nil {
		return err
	}
	alone, err := w.pressBeside(ctx, nil)
	if err != nil {
		return err
	}
	works := []struct {
		name string
		do   func(context.Context) error
	}{
		{"an import of " + thousands(int64(b.imported)) + " orders", w.importOrders},
		{fmt.Sprintf("%d lists of %s serials", besideLists, thousands(int64(b.bulk))), w.releaseLong},
		{"exports of " + thousands(int64(b.entries/besideShare)) + " entries", w.export},
		{"checks of that history", w.verify},
		{"backups", w.backup},
	}
	all := make([]func(context.Context) error, 0, len(works))
	for _, work := range works {
		all = append(all, work.do)
		if err := w.tell(ctx, work.name, alone, work.do); err != nil {
			return err
		}
	}
	stop, err := w.person.listen(ctx, besidePages)
	if err != nil {
		return err
	}
	defer stop()
	if err := w.tell(ctx, fmt.Sprintf("%d open pages", besidePages), alone); err != nil {
		return err
	}
	if err := w.tell(ctx, "all of these at once", alone, all...); err != nil {
		return err
	}
	return errors.Join(b.stop(w.server), b.stop(w.presses))
}

// besideShare of the long history's entries is what is exported and checked.
const besideShare = 25

// begin starts a server that calls the sandbox by way of the process that presses, on a filled history.
func (w *beside) begin(ctx context.Context) (err error) {
	const name = "beside"
	if w.presses, err = w.startPresses(ctx); err != nil {
		return err
	}
	site := filepath.Join(w.folder, "beside.yaml")
	plain, err := os.ReadFile(w.provisionFile())
	if err != nil {
		return err
	}
	with := strings.ReplaceAll(string(plain), w.remote.base, w.presses.base)
	if err := os.WriteFile(site, []byte(with), 0o600); err != nil {
		return err
	}
	if err := w.putOrders(ctx); err != nil {
		return err
	}
	p, err := w.serveSite(ctx, name, site)
	if err != nil {
		return err
	}
	if err := errors.Join(w.stop(p), w.fillHistory(ctx, name)); err != nil {
		return err
	}
	if w.server, err = w.serveSite(ctx, name, site); err != nil {
		return err
	}
	w.person, err = signIn(ctx, w.server)
	return err
}

// fillHistory writes entries as the program does: it releases nothing beside a history that does not hold.
func (w *beside) fillHistory(ctx context.Context, name string) error {
	r, err := w.read(ctx, &store{name: name})
	if err != nil {
		return err
	}
	for n := range w.entries / besideShare {
		if err := r.db.Record(ctx, entry(r.tenant, n)); err != nil {
			return errors.Join(err, r.db.Close())
		}
	}
	return r.db.Close()
}

func (w *beside) shortKey(n int) string { return fmt.Sprintf("beside-%04d", n) }
func (w *beside) longKey(n int) string  { return fmt.Sprintf("beside-long-%04d", n) }

// putOrders gives the sandbox more orders than are pressed: of each kind of work, of the open pages, and of all.
func (w *beside) putOrders(ctx context.Context) error {
	var orders []sandbox.Order
	add := func(key string, quantity int) {
		orders = append(orders, sandbox.Order{
			ID: key, LineCode: otherLine, LineName: "Blister line 1", Product: "Paracetamol 500 mg",
			GTIN: gtin(0), Lot: "PA26C01", Expiry: "2029-05-31", Quantity: quantity, Status: sandbox.PendingRelease,
		})
	}
	for n := range 8 * besidePresses {
		add(w.shortKey(n), few)
	}
	for n := range 2 * besidePresses {
		add(w.longKey(n), w.bulk)
	}
	_, err := w.remote.call(ctx, http.MethodPut, "/sandbox/orders", orders)
	return err
}

// tell adds what presses take beside some work.
func (w *beside) tell(ctx context.Context, name string, alone []float64, work ...func(context.Context) error) error {
	w.say("beside: %s", name)
	took, err := w.pressBeside(ctx, work)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, percent := range []float64{50, 99} {
		w.table.add(
			partBeside, fmt.Sprintf("until a press's call leaves, beside %s, %.0f of 100", name, percent),
			figure{percentile(took, percent), "ms"}, figure{percentile(alone, percent), "ms"}, "alone",
		)
	}
	w.table.add(
		partBeside, "  what that adds, 99 of 100",
		figure{percentile(took, 99) - percentile(alone, 99), "ms"}, figure{besideAim, "ms"}, "aim, or less",
	)
	return nil
}

// pressBeside presses release of one order after the other while work is done over and over. It returns how many
// milliseconds each took until its call left.
func (w *beside) pressBeside(ctx context.Context, work []func(context.Context) error) (left []float64, err error) {
	armed := make([]order, besidePresses)
	keys := make([]string, besidePresses)
	for i := range armed {
		keys[i] = w.shortKey(w.pressed)
		w.pressed++
		if armed[i], err = w.person.arm(ctx, keys[i]); err != nil {
			return nil, err
		}
	}
	done := make(chan struct{})
	var busy errgroup.Group
	for _, do := range work {
		busy.Go(func() error {
			for {
				if err := do(ctx); err != nil {
					return err
				}
				select {
				case <-done:
					return nil
				default:
				}
			}
		})
	}
	for i, o := range armed {
		var one time.Duration
		if one, err = w.person.pressApart(ctx, w.presses, o, keys[i]); err != nil {
			break
		}
		left = append(left, milliseconds(one))
	}
	close(done)
	return left, errors.Join(err, busy.Wait())
}

// importOrders imports a file of orders that no other one has.
func (w *beside) importOrders(ctx context.Context) error {
	file := filepath.Join(w.folder, "beside.csv")
	w.files++
	if err := writeOrders(file, 1000+w.files, w.imported); err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	preview, err := w.person.upload(ctx, "orders.csv", content)
	if err != nil {
		return err
	}
	return w.person.apply(ctx, preview)
}

// releaseLong releases orders with long lists at once.
func (w *beside) releaseLong(ctx context.Context) error {
	armed := make([]order, besideLists)
	for i := range armed {
		var err error
		if armed[i], err = w.person.arm(ctx, w.longKey(w.long)); err != nil {
			return err
		}
		w.long++
	}
	_, err := together(besideLists, func(i int) error {
		_, err := w.person.press(ctx, armed[i])
		return err
	})
	return err
}

func (w *beside) export(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.base+"/history.csv", nil)
	if err != nil {
		return err
	}
	answer, err := w.person.client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

func (w *beside) verify(ctx context.Context) error {
	status, text, err := w.person.ask(ctx, http.MethodPost, "/history/verify", nil)
	if err == nil && status >= http.StatusBadRequest {
		err = w.person.unexpected("checking the history", status, text)
	}
	return err
}

func (w *beside) backup(ctx context.Context) error {
	to := filepath.Join(w.folder, "beside-backup.db")
	command := exec.CommandContext(ctx, w.binary, "backup", "--data", w.dataFolder("beside"), "--to", to)
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return errors.Join(os.Remove(to), os.Remove(to+".anchors.log"))
}
