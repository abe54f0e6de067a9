package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sort"

	"lineboard/internal/packaging"
)

// RecordFaults compares the records of a tenant, without serial lists, with the digests that its history has of them,
// both ways. It returns at most [packaging.MaxFaults].
func (d *DB) RecordFaults(ctx context.Context, tenant packaging.TenantID) (faults []packaging.RecordFault, err error) {
	c := &recordCheck{ctx: ctx, tenant: tenant}
	steps := []func() error{c.log, c.lostTenants}
	for _, name := range slices.Sorted(maps.Keys(d.tables)) {
		if name != blocksOfLists {
			steps = append(steps, func() error { return c.table(d.tables[name]) })
		}
	}
	for _, step := range steps {
		if err := c.asOfNow(ctx, d, step); err != nil {
			return nil, err
		}
	}
	return c.faults, nil
}

// asOfNow has a step of the check see one state of the database. Each has its own: while one is read for long, the
// write-ahead log grows.
func (c *recordCheck) asOfNow(ctx context.Context, d *DB, step func() error) error {
	return d.snapshotLong(ctx, 0, tableLimit, func(ctx context.Context, q querier) error {
		c.ctx, c.q = ctx, q
		return step()
	})
}

// ListFaults compares the serial lists of a tenant with the digests that its history has of them, and looks whether the
// history is found by all that filters ask for. It calls progress with how many of how many lists are done.
func (d *DB) ListFaults(
	ctx context.Context, tenant packaging.TenantID, progress func(done, all int),
) (faults []packaging.RecordFault, err error) {
	c := &recordCheck{ctx: ctx, tenant: tenant}
	asOfNow := func(step func() error) error { return c.asOfNow(ctx, d, step) }
	if err = c.lists(asOfNow, progress); err == nil {
		err = c.foundHistory(asOfNow)
	}
	return c.faults, err
}

// IndexFaults looks whether each index has all rows of its table. Tables are of all tenants.
func (d *DB) IndexFaults(ctx context.Context) (faults []packaging.RecordFault, err error) {
	c := &recordCheck{ctx: ctx}
	for _, table := range indexedTables(d.tables) {
		if err := c.asOfNow(ctx, d, func() error { return c.indexesOf(table) }); err != nil {
			return nil, err
		}
	}
	return c.faults, nil
}

// recordCheck compares records with the log, and the log with the history.
type recordCheck struct {
	ctx    context.Context
	q      querier
	tenant packaging.TenantID
	faults []packaging.RecordFault
}

// fault notes a fault, and which entry covers the line of the log that it is known by.
func (c *recordCheck) fault(kind packaging.FaultKind, record, key string, line int64) error {
	if len(c.faults) == packaging.MaxFaults {
		return nil
	}
	f := packaging.RecordFault{Kind: kind, Record: record, Key: key}
	if line > 0 {
		var last int64
		if err := c.q.QueryRowContext(
			c.ctx, `SELECT coalesce(max(seq), 0) FROM history WHERE tenant_id = ?`, c.tenant,
		).Scan(&last); err != nil {
			return coded(err)
		}
		var failed error
		seq := 1 + sort.Search(int(last), func(i int) bool {
			var covers int64
			err := c.q.QueryRowContext(
				c.ctx, `SELECT records FROM history WHERE tenant_id = ? AND seq = ?`, c.tenant, i+1,
			).Scan(&covers)
			if err != nil && err != sql.ErrNoRows { //nolint:errorlint // it comes as it is
				failed = err
			}
			return covers >= line
		})
		if failed != nil {
			return coded(failed)
		}
		if int64(seq) <= last {
			f.Seq = int64(seq)
		}
	}
	c.faults = append(c.faults, f)
	return nil
}

// log compares the log with the digests that entries have of it. What a broken log says of the rest proves nothing: the
// entry at which it broke is the one fault.
func (c *recordCheck) log() error {
	entries, err := c.q.QueryContext(c.ctx,
		`SELECT seq, records, records_digest FROM history WHERE tenant_id = ? AND format >= 3 ORDER BY seq`, c.tenant)
	if err != nil {
		return coded(err)
	}
	defer entries.Close()
	covers := logCovers{entries: entries, digest: packaging.NewLogDigest()}
	if err := covers.next(); err != nil {
		return err
	}
	whole, err := covers.holdSoFar()
	if err != nil {
		return err
	}
	err = eachLogLine(c.ctx, c.q, c.tenant, 0, func(line packaging.LogLine) (err error) {
		if whole {
			whole, err = covers.add(line)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !whole || covers.more {
		c.faults = append(c.faults, packaging.RecordFault{
			Kind: packaging.FaultChanged, Record: "record_log", Key: "[]", Seq: covers.seq,
		})
	}
	return nil
}

// logCovers follows the log. Beside it, it reads the entries of the history, each of which covers the lines since the
// entry before.
type logCovers struct {
	entries *sql.Rows
	more    bool              // there is an entry that has not been compared
	seq     int64             // of this entry, or of the last one
	until   int64             // the last line that it covers
	sum     [sha256.Size]byte // what it says of its lines

	last   int64 // line that was read
	digest packaging.LogDigest
}

// next goes on to the next entry, if there is one.
func (l *logCovers) next() error {
	if l.more = l.entries.Next(); !l.more {
		return coded(l.entries.Err())
	}
	var sum sql.RawBytes
	err := l.entries.Scan(&l.seq, &l.until, &sum)
	l.sum = [sha256.Size]byte{}
	copy(l.sum[:], sum)
	return coded(err)
}

// holdSoFar compares the entries that cover no more than the lines read so far. It returns false for one that says
// something else of its lines.
func (l *logCovers) holdSoFar() (bool, error) {
	for l.more && l.until <= l.last {
		if l.until < l.last || l.sum != l.digest.Sum() {
			return false, nil
		}
		l.digest = packaging.NewLogDigest()
		if err := l.next(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// add reads the next line. It returns false for a gap in the log, for a line that does not hold by itself, and for an
// entry that says something else of it.
func (l *logCovers) add(line packaging.LogLine) (bool, error) {
	if line.Number != l.last+1 {
		return false, nil
	}
	if !line.Holds() {
		return false, nil
	}
	l.last = line.Number
	l.digest.Add(line)
	return l.holdSoFar()
}

// logged returns the last line of the log about each record of a table, by its key.
func (c *recordCheck) logged(table string) (map[string]packaging.LogLine, error) {
	rows, err := c.q.QueryContext(c.ctx,
		`SELECT key, digest, max(number) FROM record_log
		WHERE tenant_id = ? AND record = ? AND digests IS NULL GROUP BY key`, c.tenant, table)
	if err != nil {
		return nil, coded(err)
	}
	defer rows.Close()
	all := map[string]packaging.LogLine{}
	for rows.Next() {
		var line packaging.LogLine
		var digest sql.RawBytes
		if err := rows.Scan(&line.Key, &digest, &line.Number); err != nil {
			return nil, coded(err)
		}
		line.Gone = digest == nil
		copy(line.Digest[:], digest)
		all[line.Key] = line
	}
	if err := rows.Err(); err != nil {
		return nil, coded(err)
	}
	return all, c.loggedTogether(table, all)
}

// loggedTogether adds the records of a table that one line is about with others, unless a later line is about them.
func (c *recordCheck) loggedTogether(table string, all map[string]packaging.LogLine) error {
	rows, err := c.q.QueryContext(c.ctx, `
		SELECT number, begins, digests FROM record_log WHERE tenant_id = ? AND record = ? AND digests IS NOT NULL`,
		c.tenant, table)
	if err != nil {
		return coded(err)
	}
	defer rows.Close()
	for rows.Next() {
		var number, key int64
		var digests sql.RawBytes
		if err := rows.Scan(&number, &key, &digests); err != nil {
			return coded(err)
		}
		for digest := range slices.Chunk([]byte(digests), sha256.Size) {
			line := packaging.LogLine{Number: number, Key: fmt.Sprintf("[%d]", key)}
			copy(line.Digest[:], digest)
			if all[line.Key].Number < number {
				all[line.Key] = line
			}
			key++
		}
	}
	return coded(rows.Err())
}

// compare compares a record with the log, and takes it from what was logged.
func (c *recordCheck) compare(logged map[string]packaging.LogLine, table, key string, digest [sha256.Size]byte) error {
	line, known := logged[key]
	delete(logged, key)
	switch {
	case !known || line.Gone:
		return c.fault(packaging.FaultAdded, table, key, line.Number)
	case line.Digest != digest:
		return c.fault(packaging.FaultChanged, table, key, line.Number)
	}
	return nil
}

// missing notes the records that were logged and are not there.
func (c *recordCheck) missing(left map[string]packaging.LogLine, table string) error {
	var lines []packaging.LogLine
	for _, line := range left {
		if !line.Gone {
			lines = append(lines, line)
		}
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i].Number < lines[j].Number })
	for _, line := range lines {
		if err := c.fault(packaging.FaultMissing, table, line.Key, line.Number); err != nil {
			return err
		}
	}
	return nil
}

// table compares the records of a table with the log, both ways.
func (c *recordCheck) table(table recordTable) error {
	logged, err := c.logged(table.name)
	if err != nil {
		return err
	}
	rows, err := c.q.QueryContext(c.ctx, table.selectRows(), c.tenant)
	if err != nil {
		return coded(err)
	}
	if err := table.eachRecord(rows, func(key string, digest [sha256.Size]byte) error {
		return c.compare(logged, table.name, key, digest)
	}); err != nil {
		return coded(err)
	}
	orphans, err := collect(c.ctx, c.q, func(row scanner) (key string, err error) { return key, row.Scan(&key) },
		`SELECT DISTINCT `+table.keyOf("r")+` FROM `+table.name+` AS r
		WHERE NOT EXISTS (SELECT 1 FROM tenants WHERE id IN (`+of(table.owners, "r")+`)) LIMIT ?`, packaging.MaxFaults)
	if err != nil {
		return err
	}
	for _, key := range orphans {
		if err := c.fault(packaging.FaultAdded, table.name, key, 0); err != nil {
			return err
		}
	}
	return c.missing(logged, table.name)
}

// lists compares the serial lists with the log, both ways, each list in a state of its own.
func (c *recordCheck) lists(asOfNow func(step func() error) error, progress func(done, all int)) error {
	var logged map[string]packaging.LogLine
	if err := asOfNow(func() (err error) {
		logged, err = c.logged(serialLists)
		return err
	}); err != nil {
		return err
	}
	all, done := len(logged), 0
	progress(0, all)
	for list, more := packaging.ListID(0), true; more; {
		if err := asOfNow(func() (err error) {
			list, more, err = c.list(list, logged)
			return err
		}); err != nil {
			return err
		}
		if more {
			done++
			progress(min(done, all), all)
		}
	}
	return asOfNow(func() error { return c.missing(logged, serialLists) })
}

// list compares the next list after one, and takes it from what was logged. There is no more after the last.
func (c *recordCheck) list(
	after packaging.ListID, logged map[string]packaging.LogLine,
) (packaging.ListID, bool, error) {
	list, owner, more, err := nextList(c.ctx, c.q, after)
	for more && err == nil && owner != c.tenant && owner != 0 {
		list, owner, more, err = nextList(c.ctx, c.q, list)
	}
	if err != nil || !more {
		return list, more, err
	}
	key := fmt.Sprintf("[%d]", list)
	if owner == 0 { // lists of no order are everybody's fault
		return list, true, c.fault(packaging.FaultAdded, serialLists, key, 0)
	}
	digest, _, err := digestOfList(c.ctx, c.q, list)
	if err != nil {
		return list, true, err
	}
	now, err := c.lastLine(serialLists, key) // the list may have come since the log was read
	if err != nil {
		return list, true, err
	}
	delete(logged, key)
	before := len(c.faults)
	if err := c.compare(now, serialLists, key, digest); err != nil || len(c.faults) > before {
		return list, true, err
	}
	found, err := everySerialIsFound(c.ctx, c.q, c.tenant, list)
	if err == nil && !found {
		err = c.fault(packaging.FaultMissing, marksOfLists, key, 0)
	}
	return list, true, err
}

// lastLine returns the last line of the log about a record by its key, and nothing if there is none.
func (c *recordCheck) lastLine(record, key string) (map[string]packaging.LogLine, error) {
	line := packaging.LogLine{Key: key}
	var digest []byte
	err := c.q.QueryRowContext(c.ctx, `
		SELECT number, digest FROM record_log WHERE tenant_id = ? AND record = ? AND key = ? ORDER BY number DESC LIMIT 1`,
		c.tenant, record, key).Scan(&line.Number, &digest)
	if err == sql.ErrNoRows { //nolint:errorlint // it comes as it is
		return map[string]packaging.LogLine{}, nil
	}
	line.Gone = digest == nil
	copy(line.Digest[:], digest)
	return map[string]packaging.LogLine{key: line}, coded(err)
}

// lostTenants notes tenants that have a log and are not there: their own history is not checked any more.
func (c *recordCheck) lostTenants() error {
	lost, err := collect(c.ctx, c.q, func(row scanner) (id int64, err error) { return id, row.Scan(&id) }, `
		WITH RECURSIVE logs (id) AS (
			SELECT min(tenant_id) FROM record_log
			UNION ALL SELECT (SELECT min(tenant_id) FROM record_log WHERE tenant_id > logs.id) FROM logs WHERE id IS NOT NULL)
		SELECT id FROM logs WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM tenants)`)
	if err != nil {
		return err
	}
	for _, id := range lost {
		if err := c.fault(packaging.FaultMissing, "tenants", fmt.Sprintf("[%d]", id), 0); err != nil {
			return err
		}
	}
	return nil
}
