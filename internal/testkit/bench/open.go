package main

import (
	"context"
	"fmt"
	"time"
)

// The aims of a start.
const (
	openAim   = 500.0 // ms
	memoryAim = 120.0 // MB
)

// settle is how long a program that is ready is left alone before its memory is read: by then its first refresh is
// done.
const settle = time.Second

// measureOpening starts Lineboard on the filled database and on an empty one, in turns.
func (b *bench) measureOpening(ctx context.Context, s *store) error {
	b.say("opening")
	const empty = "empty"
	names := []string{s.name, empty}
	// makes the empty one, and brings the file of the other into memory as a restart finds it
	for _, name := range names {
		if _, _, err := b.open(ctx, name); err != nil {
			return err
		}
	}
	var ready, memory [2][]float64
	for range b.rounds {
		for i, name := range names {
			took, mb, err := b.open(ctx, name)
			if err != nil {
				return err
			}
			ready[i], memory[i] = append(ready[i], milliseconds(took)), append(memory[i], mb)
		}
	}
	what := fmt.Sprintf("start with %s serials and %d people, until ready", thousands(int64(s.serials)), people)
	b.table.add(partOpen, what, figure{median(ready[0]), "ms"}, figure{median(ready[1]), "ms"}, "empty database")
	b.table.add(partOpen, "  the aim", figure{median(ready[0]), "ms"}, figure{openAim, "ms"}, "aim, or less")
	if mb := median(memory[0]); mb > 0 { // nothing says it on other systems than Linux
		b.table.add(
			partOpen, "  resident memory then", figure{mb, "MB"}, figure{median(memory[1]), "MB"}, "empty database",
		)
		b.table.add(partOpen, "  the aim", figure{mb, "MB"}, figure{memoryAim, "MB"}, "aim, or less")
	}
	return nil
}

// open starts Lineboard, and says how long it took to be ready and how much memory it has then.
func (b *bench) open(ctx context.Context, name string) (took time.Duration, mb float64, err error) {
	p, err := b.serve(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	took = time.Since(p.execed)
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	mb, _ = p.resident()
	return took, mb, b.stop(p)
}
