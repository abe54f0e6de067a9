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

// touchedRecord is a record that the transaction has changed.
type touchedRecord struct {
	record string
	tenant packaging.TenantID
	key    string
}

// touchList notes that a serial list was stored, with its digest.
func (t *tx) touchList(o packaging.Order, digest [sha256.Size]byte) error {
	t.lists[o.ID] = digest
	return t.exec(`INSERT INTO temp.touched VALUES (?, ?, json_array(?))`, serialLists, o.TenantID, o.ID)
}

// logTouched writes what the records that the transaction has changed are now to the log.
func (t *tx) logTouched() error {
	touched, err := collect(t.ctx, t, func(row scanner) (r touchedRecord, err error) {
		return r, row.Scan(&r.record, &r.tenant, &r.key)
	}, `SELECT record, tenant, key FROM temp.touched GROUP BY record, tenant, key ORDER BY min(rowid)`)
	if err != nil || len(touched) == 0 {
		return err
	}
	log := recordLog{tx: t, last: map[packaging.TenantID]int64{}, reads: map[string]*sql.Stmt{}}
	defer log.close()
	if log.add, err = t.PrepareContext(t.ctx, `INSERT INTO record_log (tenant_id, number, record, key, digest) VALUES (?,?,?,?,?)`); err != nil {
		return err
	}
	if log.was, err = t.PrepareContext(t.ctx, `
		SELECT digest FROM record_log WHERE tenant_id = ? AND record = ? AND key = ? ORDER BY number DESC LIMIT 1`); err != nil {
		return err
	}
	for _, r := range touched {
		digest, err := log.digestNow(r)
		if err != nil {
			return fmt.Errorf("%s %s: %w", r.record, r.key, err)
		}
		if err := log.note(r, digest); err != nil {
			return err
		}
	}
	return t.exec(`DELETE FROM temp.touched`)
}

// recordLog writes lines of the log.
type recordLog struct {
	*tx
	last     map[packaging.TenantID]int64 // number
	reads    map[string]*sql.Stmt         // of a record, by table
	add, was *sql.Stmt
}

func (l *recordLog) close() {
	for _, s := range l.reads {
		s.Close() //nolint:errcheck // it only read
	}
	for _, s := range []*sql.Stmt{l.add, l.was} {
		if s != nil {
			s.Close() //nolint:errcheck // what it wrote was written
		}
	}
}

// digestNow is the digest of a record as it stands, nil where there is none.
func (l *recordLog) digestNow(r touchedRecord) (digest []byte, err error) {
	if r.record == serialLists {
		return l.listNow(r)
	}
	table := l.tables[r.record]
	read := l.reads[r.record]
	if read == nil {
		if read, err = l.PrepareContext(l.ctx, table.selectRows(" AND "+table.isKey("r", "?2"))); err != nil {
			return nil, err
		}
		l.reads[r.record] = read
	}
	rows, err := read.QueryContext(l.ctx, r.tenant, r.key)
	if err != nil {
		return nil, err
	}
	err = table.eachRecord(rows, func(_ string, sum [sha256.Size]byte) error {
		digest = sum[:]
		return nil
	})
	return digest, err
}

func (l *recordLog) listNow(r touchedRecord) ([]byte, error) {
	var order packaging.OrderID
	if err := l.row(`SELECT json_extract(?, '$[0]')`, r.key).Scan(&order); err != nil {
		return nil, err
	}
	digest := l.lists[order]
	return digest[:], nil
}

// note writes a line, unless the last one about the record says the same.
func (l *recordLog) note(r touchedRecord, digest []byte) error {
	var was []byte
	err := l.was.QueryRowContext(l.ctx, r.tenant, r.record, r.key).Scan(&was)
	if err == sql.ErrNoRows { //nolint:errorlint // it comes as it is
		err = nil
	}
	if err != nil || string(was) == string(digest) {
		return err
	}
	number, known := l.last[r.tenant]
	if !known {
		if err := l.row(`SELECT coalesce(max(number), 0) FROM record_log WHERE tenant_id = ?`, r.tenant).Scan(&number); err != nil {
			return err
		}
	}
	l.last[r.tenant] = number + 1
	var stored any
	if digest != nil {
		stored = digest
	}
	_, err = l.add.ExecContext(l.ctx, r.tenant, number+1, r.record, r.key, stored)
	return err
}

// logAfter returns the last line of a tenant's log and the digest of the lines after one.
func (t *tx) logAfter(tenant packaging.TenantID, after int64) (last int64, sum [sha256.Size]byte, err error) {
	digest := packaging.NewLogDigest()
	last = after
	err = eachLogLine(t.ctx, t, tenant, after, func(line packaging.LogLine) error {
		last = line.Number
		digest.Add(line)
		return nil
	})
	return last, digest.Sum(), err
}

func eachLogLine(
	ctx context.Context, q querier, tenant packaging.TenantID, after int64, do func(packaging.LogLine) error,
) error {
	rows, err := q.QueryContext(ctx,
		`SELECT number, record, key, digest FROM record_log WHERE tenant_id = ? AND number > ? ORDER BY number`, tenant, after)
	if err != nil {
		return coded(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line packaging.LogLine
		var digest sql.RawBytes
		if err := rows.Scan(&line.Number, &line.Record, &line.Key, &digest); err != nil {
			return coded(err)
		}
		line.Gone = digest == nil
		copy(line.Digest[:], digest)
		if err := do(line); err != nil {
			return err
		}
	}
	return coded(rows.Err())
}

// logUpgraded logs all records after an upgrade, with an entry for each tenant of which the digest of a record is
// another by it. The first upgrade to a schema that has the log so logs all older records.
func (d *DB) logUpgraded(ctx context.Context, schema int64) error {
	var logged int64
	if err := d.read.QueryRowContext(ctx, `SELECT logged_schema FROM anchoring`).Scan(&logged); err != nil {
		return coded(err)
	}
	if logged == schema {
		return nil
	}
	return d.tx(ctx, func(t *tx) error {
		tenants, err := collect(ctx, t, scanTenant, selectTenant+`ORDER BY id`)
		if err != nil {
			return err
		}
		for _, tenant := range tenants {
			if err := t.touchAll(tenant.ID); err != nil {
				return err
			}
			before, err := t.lastLine(tenant.ID)
			if err != nil {
				return err
			}
			if err := t.logTouched(); err != nil {
				return err
			}
			after, err := t.lastLine(tenant.ID)
			if err != nil {
				return err
			}
			if after == before {
				continue
			}
			if err := t.record(packaging.Entry{
				TenantID: tenant.ID, By: program, Deed: packaging.RecordsLogged, Object: fmt.Sprintf("schema %d", schema),
				New: fmt.Sprintf("%d records", after-before),
			}); err != nil {
				return err
			}
		}
		return t.exec(`UPDATE anchoring SET logged_schema = ?`, schema)
	})
}

func (t *tx) lastLine(tenant packaging.TenantID) (n int64, err error) {
	return n, t.row(`SELECT coalesce(max(number), 0) FROM record_log WHERE tenant_id = ?`, tenant).Scan(&n)
}

// touchAll notes all records of a tenant, those that the log has and that are no more too.
func (t *tx) touchAll(tenant packaging.TenantID) error {
	for _, table := range t.tables {
		if table.name == serialLists {
			continue
		}
		if err := t.exec(`INSERT INTO temp.touched SELECT ?2, ?1, `+table.keyOf("r")+` FROM `+table.name+` AS r
			WHERE ?1 IN (`+of(table.owners, "r")+`)
			UNION SELECT record, tenant_id, key FROM record_log WHERE tenant_id = ?1 AND record = ?2`, tenant, table.name); err != nil {
			return err
		}
	}
	return eachList(t.ctx, t, tenant, func(order packaging.OrderID, digest [sha256.Size]byte, _ int64) error {
		return t.touchList(packaging.Order{ID: order, TenantID: tenant}, digest)
	})
}

// eachList hands the digest of each serial list of a tenant to do. Lists of orders that are not there are none of a
// tenant's: they are of tenant 0.
func eachList(
	ctx context.Context, q querier, tenant packaging.TenantID, do func(packaging.OrderID, [sha256.Size]byte, int64) error,
) error {
	for order := packaging.OrderID(0); ; {
		var owner packaging.TenantID
		// One look at the key finds the next list, whatever lies between.
		err := q.QueryRowContext(ctx, `
			SELECT s.id >> 24, coalesce((SELECT tenant_id FROM orders WHERE id = s.id >> 24), 0)
			FROM serials s WHERE s.id >= ? ORDER BY s.id LIMIT 1`, serialKey(order+1, 0)).Scan(&order, &owner)
		switch {
		case err == sql.ErrNoRows: //nolint:errorlint // it comes as it is
			return nil
		case err != nil:
			return coded(err)
		case owner != tenant:
			continue
		}
		digest, serials, err := digestOfList(ctx, q, order)
		if err != nil {
			return err
		}
		if err := do(order, digest, serials); err != nil {
			return err
		}
	}
}

// digestOfList reads a list without holding it.
func digestOfList(ctx context.Context, q querier, order packaging.OrderID) (sum [sha256.Size]byte, n int64, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, product_id, serial FROM serials WHERE id >= ? AND id < ? ORDER BY id`,
		serialKey(order, 0), serialKey(order+1, 0))
	if err != nil {
		return sum, 0, coded(err)
	}
	defer rows.Close()
	digest := newListDigest()
	for rows.Next() {
		var id, product int64
		var serial string
		if err := rows.Scan(&id, &product, &serial); err != nil {
			return sum, n, coded(err)
		}
		digest.add(id&(1<<placeBits-1), product, serial)
		n++
	}
	return digest.sum(), n, coded(rows.Err())
}

// RecordFaults compares the records of a tenant with the digests that its history has of them, both ways, but for serial
// lists. It returns at most [packaging.MaxFaults].
func (d *DB) RecordFaults(ctx context.Context, tenant packaging.TenantID) (faults []packaging.RecordFault, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		c := &recordCheck{ctx: ctx, q: q, tenant: tenant}
		if err := c.log(); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(d.tables)) {
			if name == serialLists {
				continue
			}
			if err := c.table(d.tables[name]); err != nil {
				return err
			}
		}
		err := c.lostTenants()
		faults = c.faults
		return err
	})
	return faults, err
}

// ListFaults compares the serial lists of a tenant with the digests that its history has of them. progress is told how
// many of how many lists are done.
func (d *DB) ListFaults(
	ctx context.Context, tenant packaging.TenantID, progress func(done, all int),
) (faults []packaging.RecordFault, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		c := &recordCheck{ctx: ctx, q: q, tenant: tenant}
		err := c.lists(progress)
		faults = c.faults
		return err
	})
	return faults, err
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
		if err := c.q.QueryRowContext(c.ctx, `SELECT coalesce(max(seq), 0) FROM history WHERE tenant_id = ?`, c.tenant).Scan(&last); err != nil {
			return coded(err)
		}
		var failed error
		seq := 1 + sort.Search(int(last), func(i int) bool {
			var covers int64
			err := c.q.QueryRowContext(c.ctx, `SELECT records FROM history WHERE tenant_id = ? AND seq = ?`, c.tenant, i+1).Scan(&covers)
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

// log compares the log with the digests that entries have of it.
func (c *recordCheck) log() error {
	type cover struct {
		seq, until int64
		sum        [sha256.Size]byte
	}
	entries, err := c.q.QueryContext(c.ctx,
		`SELECT seq, records, records_digest FROM history WHERE tenant_id = ? AND format >= 3 ORDER BY seq`, c.tenant)
	if err != nil {
		return coded(err)
	}
	defer entries.Close()
	var now cover
	next := func() (bool, error) {
		if !entries.Next() {
			return false, coded(entries.Err())
		}
		var sum sql.RawBytes
		err := entries.Scan(&now.seq, &now.until, &sum)
		now.sum = [sha256.Size]byte{}
		copy(now.sum[:], sum)
		return true, coded(err)
	}
	broken := func() error { // what a broken log says of the rest proves nothing, but where it broke is enough to know
		c.faults = append(c.faults, packaging.RecordFault{Kind: packaging.FaultChanged, Record: "record_log", Key: "[]", Seq: now.seq})
		return nil
	}
	more, err := next()
	digest, last := packaging.NewLogDigest(), int64(0)
	// covered ends the entries that cover nothing more than the line before.
	covered := func() (whole bool, err error) {
		for more && now.until <= last {
			if now.until < last || now.sum != digest.Sum() {
				return false, nil
			}
			digest = packaging.NewLogDigest()
			if more, err = next(); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	whole := true
	if err == nil {
		whole, err = covered()
	}
	if err != nil || !whole {
		return firstError(err, broken)
	}
	err = eachLogLine(c.ctx, c.q, c.tenant, 0, func(line packaging.LogLine) error {
		if !whole {
			return nil
		}
		if line.Number != last+1 {
			whole = false
			return nil
		}
		last = line.Number
		digest.Add(line)
		whole, err = covered()
		return err
	})
	if err != nil || !whole || more {
		return firstError(err, broken)
	}
	return nil
}

func firstError(err error, otherwise func() error) error {
	if err != nil {
		return err
	}
	return otherwise()
}

// logged returns the last line of the log about each record of a table, by its key.
func (c *recordCheck) logged(table string) (map[string]packaging.LogLine, error) {
	rows, err := c.q.QueryContext(c.ctx,
		`SELECT key, digest, max(number) FROM record_log WHERE tenant_id = ? AND record = ? GROUP BY key`, c.tenant, table)
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
	return all, coded(rows.Err())
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
	rows, err := c.q.QueryContext(c.ctx, table.selectRows(""), c.tenant)
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

// lists compares the serial lists with the log, both ways.
func (c *recordCheck) lists(progress func(done, all int)) error {
	logged, err := c.logged(serialLists)
	if err != nil {
		return err
	}
	all, done := len(logged), 0
	progress(0, all)
	if err := eachList(c.ctx, c.q, c.tenant, func(order packaging.OrderID, digest [sha256.Size]byte, _ int64) error {
		done++
		progress(min(done, all), all)
		return c.compare(logged, serialLists, fmt.Sprintf("[%d]", order), digest)
	}); err != nil {
		return err
	}
	// Lists of no order are everybody's fault.
	if err := eachList(c.ctx, c.q, 0, func(order packaging.OrderID, _ [sha256.Size]byte, _ int64) error {
		return c.fault(packaging.FaultAdded, serialLists, fmt.Sprintf("[%d]", order), 0)
	}); err != nil {
		return err
	}
	return c.missing(logged, serialLists)
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
