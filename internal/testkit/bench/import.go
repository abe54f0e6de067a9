package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
)

// measureImport compares importing a file of new orders, from reading it to its entry in the history, with what the
// sqlite3 program takes to put the same rows into a table with the same key, unchecked.
func (b *bench) measureImport(ctx context.Context) error {
	const name = "import"
	beside := "sqlite3's own .import of the same file"
	if _, err := exec.LookPath("sqlite3"); err != nil {
		b.say("import: skipped, since the program sqlite3 is not installed (on Debian: apt-get install sqlite3)")
		return nil
	}
	b.say("import: %s orders", thousands(int64(b.imported)))
	p, err := b.serve(ctx, name)
	if err != nil {
		return err
	}
	if err := b.stop(p); err != nil {
		return err
	}
	r, err := b.read(ctx, &store{name: name})
	if err != nil {
		return err
	}
	defer r.db.Close() //nolint:errcheck // what is measured is committed
	people, err := r.db.People(ctx, r.tenant)
	if err != nil {
		return err
	}
	bare := filepath.Join(b.folder, "bare.db")
	if err := sqlite3(ctx, bare,
		`PRAGMA journal_mode = WAL; CREATE TABLE orders (order_id TEXT PRIMARY KEY, line TEXT, product TEXT,
		gtin TEXT, lot TEXT, expiry TEXT, quantity TEXT, extra_percent TEXT) WITHOUT ROWID;`); err != nil {
		return err
	}
	var ours, theirs []float64
	for round := -1; round < b.rounds; round++ {
		file := filepath.Join(b.folder, "orders.csv")
		if err := writeOrders(file, round+1, b.imported); err != nil {
			return err
		}
		started := time.Now()
		if err := r.importFile(ctx, people[0], file, b.imported); err != nil {
			return err
		}
		took := time.Since(started)
		started = time.Now()
		if err := sqlite3(ctx, bare, ".import --csv --skip 1 "+file+" orders"); err != nil {
			return err
		}
		if round >= 0 { // the one before warms up
			ours, theirs = append(ours, milliseconds(took)), append(theirs, milliseconds(time.Since(started)))
		}
	}
	b.table.add(partImport, fmt.Sprintf("Import of %s new orders, checked", thousands(int64(b.imported))),
		figure{median(ours), "ms"}, figure{median(theirs), "ms"}, beside)
	return nil
}

func (r *reader) importFile(ctx context.Context, by packaging.Person, path string, orders int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	content, err := orderfile.Read(file, orderfile.CSV)
	if err != nil || content.Faults.Count > 0 {
		return errors.Join(err, fmt.Errorf("%d faults", content.Faults.Count))
	}
	done, err := r.db.Import(ctx, by, packaging.ImportRequest{FileName: filepath.Base(path), Rows: content.Rows})
	if err == nil && done.New != orders {
		err = fmt.Errorf("%d orders were new, not %d", done.New, orders)
	}
	return err
}

// writeOrders writes a file of orders that no other round has.
func writeOrders(path string, round, orders int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "order_id,line,product,gtin,lot,expiry,quantity,extra_percent")
	for i := range orders {
		fmt.Fprintf(
			w, "R%d-%06d,%s,Paracetamol 500 mg,09506000134352,LOT%06d,2029-05-31,12000,2.5\n", round, i, otherLine, i,
		)
	}
	return errors.Join(w.Flush(), file.Close())
}

func sqlite3(ctx context.Context, database string, command string) error {
	c := exec.CommandContext(ctx, "sqlite3", "-bail", database)
	c.Stdin = strings.NewReader(command + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("sqlite3: %w: %.300s", err, out)
	}
	return nil
}
