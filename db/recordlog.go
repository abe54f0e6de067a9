package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// touchedRecord is a record that the transaction has changed.
type touchedRecord struct {
	record string
	tenant packaging.TenantID
	key    string
}

// touchList notes that a serial list was stored, with its digest.
func (t *tx) touchList(tenant packaging.TenantID, list packaging.ListID, digest [sha256.Size]byte) error {
	t.lists[list] = digest
	return t.exec(`INSERT INTO temp.touched VALUES (?, ?, json_array(?))`, serialLists, tenant, list)
}

// logTouched writes what the records that the transaction has changed are now to the log, but for one kind of them.
func (t *tx) logTouched(but string) error {
	touched, err := collect(t.ctx, t, func(row scanner) (r touchedRecord, err error) {
		return r, row.Scan(&r.record, &r.tenant, &r.key)
	}, `SELECT record, tenant, key FROM temp.touched WHERE record <> ? GROUP BY record, tenant, key ORDER BY min(rowid)`, but)
	if err != nil || len(touched) == 0 {
		return err
	}
	log := recordLog{tx: t, last: map[packaging.TenantID]int64{}}
	for some := range slices.Chunk(touched, loggedAtOnce) {
		if err := log.note(some); err != nil {
			return err
		}
	}
	return t.exec(`DELETE FROM temp.touched
		WHERE record <> ?1 OR rowid NOT IN (SELECT min(rowid) FROM temp.touched WHERE record = ?1 GROUP BY tenant, key)`, but)
}

// loggedAtOnce is how many records are read and logged together.
const loggedAtOnce = 500

// recordLog writes lines of the log.
type recordLog struct {
	*tx
	last map[packaging.TenantID]int64 // number
}

// note writes a line for each record, unless the last one about it says the same. That covers what somebody did to one
// by hand before: it is looked for first.
func (l *recordLog) note(touched []touchedRecord) error {
	now, was, err := l.compare(touched)
	if err != nil {
		return err
	}
	var lines [][]any
	for _, r := range touched {
		if string(now[r]) == string(was[r]) {
			continue
		}
		number, err := l.next(r.tenant)
		if err != nil {
			return err
		}
		var digest any // NULL for a record that is no more
		if d := now[r]; d != nil {
			digest = d
		}
		lines = append(lines, []any{r.tenant, number, r.record, r.key, digest})
	}
	return l.insertMany(`record_log (tenant_id, number, record, key, digest)`, "", lines...)
}

// recordsOfTable are records of a table of one tenant.
type recordsOfTable struct {
	record string
	tenant packaging.TenantID
	keys   []string
	list   string // of the keys, in JSON
}

func (r recordsOfTable) one(key string) touchedRecord { return touchedRecord{r.record, r.tenant, key} }

// byTable puts records together that are read together.
func byTable(touched []touchedRecord) (all []recordsOfTable, err error) {
	type table struct {
		record string
		tenant packaging.TenantID
	}
	places := map[table]int{}
	for _, r := range touched {
		place, known := places[table{r.record, r.tenant}]
		if !known {
			place = len(all)
			places[table{r.record, r.tenant}] = place
			all = append(all, recordsOfTable{record: r.record, tenant: r.tenant})
		}
		all[place].keys = append(all[place].keys, r.key)
	}
	for i := range all {
		if all[i], err = all[i].without(func(string) bool { return false }); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// without returns them without some, with their list.
func (r recordsOfTable) without(some func(key string) bool) (recordsOfTable, error) {
	r.keys = slices.DeleteFunc(slices.Clone(r.keys), some)
	list, err := json.Marshal(r.keys)
	r.list = string(list)
	return r, err
}

// digests are those of records, nil for one that is not there.
type digests map[touchedRecord][]byte

// compare returns the digests of records as they stand, and those of the last lines about them. It notes those that
// were not as their last lines say before the transaction.
func (l *recordLog) compare(touched []touchedRecord) (now, was digests, err error) {
	tables, err := byTable(touched)
	if err != nil {
		return nil, nil, err
	}
	now, was = digests{}, digests{}
	for _, these := range tables {
		if err := l.digestsNow(these, now); err != nil {
			return nil, nil, fmt.Errorf("%s %.200s: %w", these.record, these.list, err)
		}
		if err := l.lastLines(l, these, was); err != nil {
			return nil, nil, err
		}
		if err := l.lookBefore(these, was); err != nil {
			return nil, nil, err
		}
	}
	return now, was, nil
}

// lastLines adds the digests that the last lines about records have.
func (t *tx) lastLines(q querier, these recordsOfTable, into digests) error {
	const lines = `FROM record_log INDEXED BY record_log_of_record WHERE tenant_id = ? AND record = ? AND key `
	query := `SELECT key, digest, max(number) ` + lines + `IN (SELECT value FROM json_each(?)) GROUP BY key`
	wanted := these.list
	if len(these.keys) == 1 { // as most transactions have of most tables
		query, wanted = `SELECT key, digest, number `+lines+`= ? ORDER BY number DESC LIMIT 1`, these.keys[0]
	}
	if _, err := collect(t.ctx, q, func(row scanner) (struct{}, error) {
		r, number := these.one(""), int64(0)
		var digest []byte
		err := row.Scan(&r.key, &digest, &number)
		into[r] = digest
		return struct{}{}, err
	}, query, these.tenant, these.record, wanted); err != nil || !slices.Contains(writtenInBulk, these.record) {
		return err
	}
	others, err := these.without(func(key string) bool {
		_, known := into[these.one(key)]
		return known
	})
	if err != nil || len(others.keys) == 0 {
		return err
	}
	return t.loggedTogether(q, others, into)
}

// loggedTogether adds the digests of records that one line is about with others.
func (t *tx) loggedTogether(q querier, these recordsOfTable, into digests) error {
	rows, err := q.QueryContext(t.ctx, `
		WITH many AS (
			SELECT value AS key, (
				SELECT max(begins) FROM record_log INDEXED BY record_log_of_many WHERE tenant_id = ?1 AND record = ?2
					AND digests IS NOT NULL AND begins <= json_extract(wanted.value, '$[0]')) AS begins
			FROM json_each(?3) AS wanted)
		SELECT many.key, substr(l.digests, 1 + 32 * (json_extract(many.key, '$[0]') - l.begins), 32)
		FROM many CROSS JOIN record_log l INDEXED BY record_log_of_many
		ON l.tenant_id = ?1 AND l.record = ?2 AND l.digests IS NOT NULL AND l.begins = many.begins`,
		these.tenant, these.record, these.list)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, digest := these.one(""), []byte(nil)
		if err := rows.Scan(&r.key, &digest); err != nil {
			return err
		}
		if len(digest) > 0 { // there is none behind the last of the line
			into[r] = digest
		}
	}
	return rows.Err()
}

// togetherLogged is how many new records one line is about at most: the digest of one of them is read with all.
const togetherLogged = 250

// noteNew writes a line, or some, for many new records whose keys follow each other, with the digest of each.
func (l *recordLog) noteNew(record string, tenant packaging.TenantID, first int64, digests []byte) error {
	for some := range slices.Chunk(digests, togetherLogged*sha256.Size) {
		number, err := l.next(tenant)
		if err != nil {
			return err
		}
		line := packaging.LineOfMany(record, first, some)
		if err := l.exec(`
			INSERT INTO record_log (tenant_id, number, record, key, digest, digests) VALUES (?,?,?,?,?,?)`,
			tenant, number, line.Record, line.Key, line.Digest[:], line.Digests); err != nil {
			return err
		}
		first += togetherLogged
	}
	return nil
}

// digestsNow adds the digests of records as they stand.
func (l *recordLog) digestsNow(these recordsOfTable, into digests) error {
	if these.record == serialLists {
		for _, key := range these.keys {
			var list packaging.ListID
			if err := l.row(`SELECT json_extract(?, '$[0]')`, key).Scan(&list); err != nil {
				return err
			}
			digest := l.lists[list]
			into[these.one(key)] = digest[:]
		}
		return nil
	}
	if one := these.one(these.keys[0]); len(these.keys) == 1 && l.known[one] != nil {
		into[one] = l.known[one]
		return nil
	}
	return l.storedDigests(l, these, into)
}

// storedDigests adds the digests of records as a query finds them.
func (t *tx) storedDigests(q querier, these recordsOfTable, into digests) error {
	table := t.tables[these.record]
	query, wanted := table.selectThese(), these.list
	if len(these.keys) == 1 {
		query, wanted = table.selectThis(), these.keys[0]
	}
	rows, err := q.QueryContext(t.ctx, query, these.tenant, wanted)
	if err != nil {
		return err
	}
	return table.eachRecord(rows, func(key string, sum [sha256.Size]byte) error {
		into[these.one(key)] = sum[:]
		return nil
	})
}

func (l *recordLog) next(tenant packaging.TenantID) (number int64, err error) {
	number, known := l.last[tenant]
	if !known {
		if number, err = l.lastLine(tenant); err != nil {
			return 0, err
		}
	}
	l.last[tenant] = number + 1
	return number + 1, nil
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
		`SELECT number, record, key, digest, digests FROM record_log WHERE tenant_id = ? AND number > ? ORDER BY number`,
		tenant, after)
	if err != nil {
		return coded(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line packaging.LogLine
		var digest, digests sql.RawBytes
		if err := rows.Scan(&line.Number, &line.Record, &line.Key, &digest, &digests); err != nil {
			return coded(err)
		}
		line.Gone, line.Digests = digest == nil, digests
		copy(line.Digest[:], digest)
		if err := do(line); err != nil {
			return err
		}
	}
	return coded(rows.Err())
}

// logUpgraded logs all records after an upgrade, with an entry for each tenant of which the digest of a record is
// another by it. The first upgrade to a schema that has the log so logs all older records. Without an upgrade, records
// that are not as they were logged stay a fault.
func (d *DB) logUpgraded(ctx context.Context, box *secret.Box, schema int64) error {
	var mark int32
	if err := d.read.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&mark); err != nil {
		return coded(err)
	}
	if mark == 0 {
		return nil
	}
	if entries, err := lastEntry(ctx, d.read); err != nil || mark != upgradeMark(box, schema, entries) {
		return coded(err)
	}
	return d.tx(ctx, func(t *tx) error {
		t.before = nil // an upgrade has changed them
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
			if err := t.logTouched(""); err != nil {
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
				TenantID: tenant.ID, By: program, Deed: packaging.RecordsLogged,
				Object: packaging.SaysSchema.Of(schema),
				New:    packaging.SaysRecords.Of(after - before),
			}); err != nil {
				return err
			}
		}
		return t.exec(`PRAGMA user_version = 0`)
	})
}

func (t *tx) lastLine(tenant packaging.TenantID) (n int64, err error) {
	return n, t.row(`SELECT coalesce(max(number), 0) FROM record_log WHERE tenant_id = ?`, tenant).Scan(&n)
}

// touchAll notes all records of a tenant, those that the log has and that are no more too.
func (t *tx) touchAll(tenant packaging.TenantID) error {
	for _, table := range t.tables {
		if table.name == blocksOfLists {
			continue
		}
		if err := t.exec(`INSERT INTO temp.touched SELECT ?2, ?1, `+table.keyOf("r")+` FROM `+table.name+` AS r
			WHERE ?1 IN (`+of(table.owners, "r")+`)
			UNION SELECT record, tenant_id, key FROM record_log WHERE tenant_id = ?1 AND record = ?2 AND digests IS NULL
			UNION SELECT ?2, ?1, json_array(id) FROM (
				WITH RECURSIVE many (id, last) AS (
					SELECT begins, json_extract(key, '$[0][1]') FROM record_log
					WHERE tenant_id = ?1 AND record = ?2 AND digests IS NOT NULL
					UNION ALL SELECT id + 1, last FROM many WHERE id < last)
				SELECT id FROM many)`, tenant, table.name); err != nil {
			return err
		}
	}
	return eachList(t.ctx, t, tenant, func(list packaging.ListID, digest [sha256.Size]byte) error {
		return t.touchList(tenant, list, digest)
	})
}

// eachList hands the digest of each serial list of a tenant to do, but for those that are being staged.
func eachList(
	ctx context.Context, q querier, tenant packaging.TenantID, do func(packaging.ListID, [sha256.Size]byte) error,
) error {
	for list := packaging.ListID(0); ; {
		next, owner, more, err := nextList(ctx, q, list)
		if err != nil || !more {
			return err
		}
		if list = next; owner != tenant {
			continue
		}
		digest, _, err := digestOfList(ctx, q, list)
		if err != nil {
			return err
		}
		if err := do(list, digest); err != nil {
			return err
		}
	}
}

// nextList returns the next list after one that is not being staged, with its tenant. A list of an order that is not
// there is of tenant 0.
func nextList(
	ctx context.Context, q querier, after packaging.ListID,
) (list packaging.ListID, owner packaging.TenantID, more bool, err error) {
	staged := true
	for list = after; staged; {
		// One look at the key finds the next list, whatever lies between.
		err := q.QueryRowContext(ctx, `
			SELECT s.id >> 24, coalesce((SELECT tenant_id FROM orders WHERE id = `+of(orderOfSerial, "s.id")+
			`), 0), s.id >> 24 IN (SELECT list FROM staged_lists)
			FROM serial_blocks s WHERE s.id >= ? ORDER BY s.id LIMIT 1`, serialKey(list+
			1, 0)).Scan(&list, &owner, &staged)
		if err == sql.ErrNoRows { //nolint:errorlint // it comes as it is
			return list, 0, false, nil
		}
		if err != nil {
			return list, 0, false, coded(err)
		}
	}
	return list, owner, true, nil
}

// digestOfList reads a list without holding it.
func digestOfList(ctx context.Context, q querier, list packaging.ListID) (sum [sha256.Size]byte, n int64, err error) {
	digest := newListDigest()
	err = eachBlock(ctx, q, func(b readBlock) error {
		place := b.first
		err := eachPacked(b.packed, func(serial []byte) error {
			digest.add(place, b.product, string(serial))
			place++
			n++
			return nil
		})
		if errors.Is(err, errNoBlock) { // the digest says that the list is another one
			digest.add(place, 0, string(b.packed))
			err = nil
		}
		return err
	}, `SELECT s.id, s.product_id, '', s.packed FROM serial_blocks s WHERE s.id >= ? AND s.id < ? ORDER BY s.id`,
		serialKey(list, 0), serialKey(list+1, 0))
	return digest.sum(), n, err
}
