// Bench measures Lineboard as it is run: the real binary in a process of its own, against a sandbox in another, with
// its data in a temporary folder. Absolute figures swing with the machine and its neighbours, so that each stands
// beside another one that was measured in the same run, round by round in turns; what counts is the ratio.
//
//	go run ./internal/testkit/bench              everything, with ten million serial numbers
//	go run ./internal/testkit/bench -only board  one part
//	go run ./internal/testkit/bench -short       whether it works, in seconds
//
// The temporary folder needs about 2 GB; TMPDIR says where it is made. A disk is measured with the rest: a folder in
// memory flatters.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// The parts of a run, in the order of the table.
const (
	partBoard   = "board"
	partPoll    = "poll"
	partRelease = "release"
	partCopy    = "copy"
	partStandby = "standby"
	partStorage = "storage"
	partOpen    = "open"
	partCrowd   = "crowd"
	partBeside  = "beside"
	partDeliver = "deliver"
	partOrders  = "orders"
	partImport  = "import"
	partHistory = "history"
	partLive    = "live"
	partBusy    = "busy"
	partVisit   = "visit"
	partMemory  = "memory"
)

var parts = []string{
	partBoard, partPoll, partRelease, partCopy, partStandby, partStorage, partOpen, partCrowd, partBeside, partDeliver,
	partOrders, partImport, partHistory, partLive, partBusy, partVisit, partMemory,
}

// plan is how much is measured.
type plan struct {
	serials int // in the filled database
	rounds  int
	only    []string
	amounts
}

type amounts struct {
	boardTime time.Duration // of one side in one round
	busyTime  time.Duration // of the busy lines
	polls     int           // of one side in one round
	small     int           // releases of a few serials, of one side in one round
	bulk      int           // serials of a large order
	lookups   int           // and pages, of one side in one round
	orders    int           // among which the page is read, and ten times as many
	imported  int           // orders of a file
	entries   int           // of the long history
}

var (
	whole = amounts{
		boardTime: 2 * time.Second, busyTime: 3 * time.Minute, polls: 20, small: 10, bulk: 100_000, lookups: 2_000,
		orders: 100_000, imported: 100_000, entries: 1_000_000,
	}
	little = amounts{
		boardTime: 300 * time.Millisecond, busyTime: 3 * time.Second, polls: 3, small: 3, bulk: 10_000, lookups: 200,
		orders: 5_000, imported: 2_000, entries: 20_000,
	}
)

func (p plan) wants(part string) bool { return slices.Contains(p.only, part) }

func parse(args []string, stderr io.Writer) (p plan, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&p.serials, "serials", 10_000_000, "serial numbers in the filled database")
	flags.IntVar(&p.rounds, "rounds", 5, "how often each figure is measured; the table has medians")
	only := flags.String("only", strings.Join(parts, ","), "parts to run, with commas")
	short := flags.Bool(
		"short", false, "see whether it works: a small database, a few rounds, figures that mean nothing",
	)
	if err := flags.Parse(args); err != nil {
		return p, err
	}
	p.amounts = whole
	if *short {
		p.amounts = little
		p.serials, p.rounds = min(p.serials, 200_000), min(p.rounds, 2)
	}
	p.only = strings.Split(*only, ",")
	for _, part := range p.only {
		if !slices.Contains(parts, part) {
			return p, fmt.Errorf("there is no part %q; there are %s", part, strings.Join(parts, ", "))
		}
	}
	if least := filledOrders * pageSize; p.serials < least || p.serials > 100_000_000 {
		return p, fmt.Errorf("-serials must be %s to 100,000,000", thousands(int64(least)))
	}
	if p.rounds < 1 || p.rounds > 100 {
		return p, errors.New("-rounds must be 1 to 100")
	}
	return p, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	if len(args) > 0 && args[0] == bareEcho {
		return serveBare(ctx, args[1:], stdout)
	}
	if len(args) > 0 && args[0] == pressesApart {
		return servePresses(ctx, args[1:], stdout)
	}
	p, err := parse(args, stderr)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "lineboard-bench-")
	if err != nil {
		return err
	}
	b := &bench{plan: p, folder: folder, say: func(format string, args ...any) {
		fmt.Fprintf(stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
	}}
	defer func() {
		b.stopAll()
		err = errors.Join(err, os.RemoveAll(folder))
		if ctx.Err() != nil {
			err = errors.New("stopped") // whatever failed, failed because of it
		}
	}()
	started := time.Now()
	err = b.measure(ctx)
	if len(b.table.rows) == 0 || ctx.Err() != nil {
		return err
	}
	// What was measured before a part failed is worth its minutes.
	fmt.Fprintf(stdout, "Lineboard on %d cores (%s/%s, %s): medians of %d rounds in turns, taken in %s\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), p.rounds,
		time.Since(started).Round(time.Second))
	return errors.Join(err, b.table.print(stdout))
}

// bench is one run.
type bench struct {
	plan
	folder   string // everything that it makes is in here
	binary   string
	remote   *remote
	running  []*program
	table    table
	rowsTook float64 // ms to add a large order where each serial has a row
	say      func(format string, args ...any)
}

// measure runs the parts. Their order is not the table's: what adds to the filled database comes last.
func (b *bench) measure(ctx context.Context) error {
	if err := b.build(ctx); err != nil {
		return err
	}
	if err := b.startSandbox(ctx); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{partBoard, b.measureBoard},
		{partLive, b.measureLive},
		{partBusy, b.measureBusy},
		{partVisit, b.measureVisit},
		{partPoll, b.measurePoll},
		{partCrowd, b.measureCrowd},
		{partBeside, b.measureBeside},
		{partDeliver, b.measureDeliveries},
		{partOrders, b.measureOrders},
		{partImport, b.measureImport},
		{partCopy, b.measureCopy},
		{partStandby, b.measureStandby},
		{partMemory, b.measureMemory},
		{partHistory, b.measureHistory},
	} {
		if !b.wants(part.name) {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.measureFilled(ctx)
}

// measureFilled runs the parts that need the filled database.
func (b *bench) measureFilled(ctx context.Context) error {
	if !b.wants(partRelease) && !b.wants(partStorage) && !b.wants(partOpen) {
		return nil
	}
	filled, err := b.fill(ctx)
	if err != nil {
		return fmt.Errorf("filling: %w", err)
	}
	if b.wants(partStorage) {
		if err := b.measureStorage(ctx, filled); err != nil {
			return fmt.Errorf("storage: %w", err)
		}
	}
	if b.wants(partOpen) {
		if err := b.measureOpening(ctx, filled[chosen]); err != nil {
			return fmt.Errorf("opening: %w", err)
		}
	}
	if b.wants(partRelease) || b.wants(partStorage) {
		if err := b.measureReleases(ctx, filled); err != nil {
			return fmt.Errorf("releases: %w", err)
		}
	}
	return nil
}
