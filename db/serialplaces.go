package db

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"

	"lineboard/internal/packaging"
)

// packTarget is a pack to look for in the lists of a product.
type packTarget struct {
	packaging.PackID
	was  string           // GTIN under which the lists stand
	list packaging.ListID // the one list to look in, 0 for all
}

// packPlace is where a pack is.
type packPlace struct {
	packaging.PackID
	Was string // GTIN under which the list stands
	Key int64  // of the serial
}

// placesOf returns the places where packs are, by their keys.
func placesOf(
	ctx context.Context, q querier, tenant packaging.TenantID, targets []packTarget,
) (places []packPlace, err error) {
	hashes := make([]int64, len(targets))
	for i, t := range targets {
		hashes[i] = newSerialHasher(tenant, t.was).hash(t.Serial)
	}
	slices.Sort(hashes)
	bySerial := map[string][]packTarget{}
	for _, t := range targets {
		bySerial[t.Serial] = append(bySerial[t.Serial], t)
	}
	err = eachBlockWith(ctx, q, tenant, slices.Compact(hashes), func(b readBlock) error {
		place := b.first - 1
		return eachPacked(b.packed, func(serial []byte) error {
			place++
			for _, t := range bySerial[string(serial)] {
				if t.was == b.gtin && (t.list == 0 || t.list == b.list) {
					places = append(places, packPlace{t.PackID, b.gtin, serialKey(b.list, place)})
				}
			}
			return nil
		})
	})
	slices.SortFunc(places, func(a, b packPlace) int { return cmp.Compare(a.Key, b.Key) })
	return places, err
}

// eachBlockWith hands the tenant's blocks that may have serials of the hashes, which are sorted, to do. It asks once
// for what is marked and for what is to be: a scan waits for it.
func eachBlockWith(
	ctx context.Context, q querier, tenant packaging.TenantID, hashes []int64, do func(readBlock) error,
) error {
	if len(hashes) == 0 {
		return nil
	}
	list, err := json.Marshal(hashes)
	if err != nil {
		return err
	}
	done, waiting := map[int64]bool{}, map[int64]bool{}
	if err := eachBlock(ctx, q, func(b readBlock) error {
		switch key := serialKey(b.list, b.first); {
		case key == 0:
			numbersIn(b.packed, hashes, waiting)
			return nil
		case done[key]:
			return nil
		default:
			done[key] = true
			return do(b)
		}
	}, `
		SELECT s.id, s.product_id, p.gtin, s.packed `+marked+`
		CROSS JOIN serial_blocks s ON s.number = m.mark & 67108863 CROSS JOIN products p ON p.id = s.product_id
		WHERE p.tenant_id = ? AND `+notStaged+`
		UNION ALL SELECT 0, 0, '', marks `+runs, string(list), tenant, leastMark(hashes), mostMark(hashes)); err != nil {
		return err
	}
	if len(waiting) == 0 {
		return nil
	}
	return eachBlockOf(ctx, q, tenant, slices.Sorted(maps.Keys(waiting)), func(b readBlock) error {
		if done[serialKey(b.list, b.first)] {
			return nil
		}
		return do(b)
	})
}

// blocksWith returns the numbers of the blocks that may have serials of the hashes, which are sorted. Marks move from
// serial_runs to serial_marks: read in this order, none is missed.
func blocksWith(ctx context.Context, q querier, hashes []int64) ([]int64, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	numbers := map[int64]bool{}
	if err := eachRun(ctx, q, hashes, func(marks []byte) { numbersIn(marks, hashes, numbers) }); err != nil {
		return nil, err
	}
	list, err := json.Marshal(hashes)
	if err != nil {
		return nil, err
	}
	found, err := collect(ctx, q, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT DISTINCT m.mark & 67108863 `+marked, string(list))
	for _, n := range found {
		numbers[n] = true
	}
	return slices.Sorted(maps.Keys(numbers)), err
}

const (
	// marked is where the marks m of some hashes are. CROSS JOIN has each hash looked up in the index, in its order,
	// whatever the planner thinks of two lists.
	marked = `FROM json_each(?) AS h
		CROSS JOIN serial_marks m ON m.mark BETWEEN h.value << 26 AND h.value << 26 | 67108863`
	// runs is where marks are that serial_marks is yet to take in, from the least to the most.
	runs = `FROM serial_runs WHERE last >= ? AND first <= ?`
)

func leastMark(hashes []int64) int64 { return hashes[0] << numberBits }
func mostMark(hashes []int64) int64  { return hashes[len(hashes)-1]<<numberBits | maxNumber }

// numbersIn adds the numbers of the blocks that the marks of a run name for the hashes. Both are sorted.
func numbersIn(run []byte, hashes []int64, numbers map[int64]bool) {
	at := 0
	for ; len(run) >= markBytes && at < len(hashes); run = run[markBytes:] {
		mark := int64(binary.BigEndian.Uint64(run))
		for at < len(hashes) && hashes[at] < mark>>numberBits {
			at++
		}
		if at < len(hashes) && hashes[at] == mark>>numberBits {
			numbers[mark&maxNumber] = true
		}
	}
}

// markBytes is how many bytes a mark takes in a run.
const markBytes = 8

// eachRun hands the marks that serial_marks is yet to take in to do, as far as they may be of the hashes.
func eachRun(ctx context.Context, q querier, hashes []int64, do func(marks []byte)) error {
	rows, err := q.QueryContext(ctx, `SELECT marks `+runs, leastMark(hashes), mostMark(hashes))
	if err != nil {
		return coded(err)
	}
	defer rows.Close()
	for rows.Next() {
		var marks sql.RawBytes
		if err := rows.Scan(&marks); err != nil {
			return coded(err)
		}
		do(marks)
	}
	return coded(rows.Err())
}

// eachBlockOf hands the blocks of the numbers that are the tenant's to do, until it fails.
func eachBlockOf(
	ctx context.Context, q querier, tenant packaging.TenantID, numbers []int64, do func(readBlock) error,
) error {
	list, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	return eachBlock(ctx, q, do, `
		SELECT s.id, s.product_id, p.gtin, s.packed FROM json_each(?) AS n
		CROSS JOIN serial_blocks s ON s.number = n.value CROSS JOIN products p ON p.id = s.product_id
		WHERE p.tenant_id = ? AND `+notStaged, string(list), tenant)
}

// lookedUpAtOnce is how many marks are looked up at once.
const lookedUpAtOnce = 50_000

// everySerialIsFound reports whether look-ups find all serials of a list: a pack that is not found is taken for one of
// no list. A block that can't be read is no matter of look-ups.
func everySerialIsFound(
	ctx context.Context, q querier, tenant packaging.TenantID, list packaging.ListID,
) (found bool, err error) {
	rows, err := q.QueryContext(ctx, `
		SELECT s.number, p.gtin, s.packed FROM serial_blocks s JOIN products p ON p.id = s.product_id
		WHERE s.id >= ? AND s.id < ? ORDER BY s.id`, serialKey(list, 0), serialKey(list+1, 0))
	if err != nil {
		return false, coded(err)
	}
	defer rows.Close()
	var marks []int64
	for rows.Next() {
		b := serialBlock{first: 1}
		var gtin string
		if err := rows.Scan(&b.number, &gtin, &b.packed); err != nil {
			return false, coded(err)
		}
		serials, err := UnpackSerials(b.packed)
		if err != nil {
			continue
		}
		marks = append(marks, marksOf(newSerialHasher(tenant, gtin).hashed(serials), []serialBlock{b})...)
		if len(marks) < lookedUpAtOnce {
			continue
		}
		if found, err := areMarked(ctx, q, marks); err != nil || !found {
			return false, err
		}
		marks = marks[:0]
	}
	if err := rows.Err(); err != nil {
		return false, coded(err)
	}
	return areMarked(ctx, q, marks)
}

// areMarked reports whether all of the marks are in serial_marks, or in serial_runs. It sorts them.
func areMarked(ctx context.Context, q querier, marks []int64) (bool, error) {
	if len(marks) == 0 {
		return true, nil
	}
	slices.Sort(marks)
	list, err := json.Marshal(marks)
	if err != nil {
		return false, err
	}
	missing, err := collect(ctx, q, func(row scanner) (m int64, err error) { return m, row.Scan(&m) },
		`SELECT value FROM json_each(?) WHERE value NOT IN (SELECT mark FROM serial_marks)`, string(list))
	if err != nil || len(missing) == 0 {
		return err == nil, err
	}
	left := map[int64]bool{}
	for _, m := range missing {
		left[m] = true
	}
	err = eachRun(ctx, q, []int64{missing[0] >> numberBits, missing[len(missing)-1] >> numberBits}, func(run []byte) {
		for ; len(run) >= markBytes; run = run[markBytes:] {
			delete(left, int64(binary.BigEndian.Uint64(run)))
		}
	})
	return len(left) == 0, err
}
