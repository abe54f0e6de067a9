package db

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"lineboard/internal/packaging"
)

// historyQuery returns the query for a page of entries, and for one more, which tells that there are more. It is empty
// if nothing can match.
//
// The entries of an order have an index of their own. All other filters use the search index. That gives the entries
// with all keys in the order of time, so a page takes as long among a million entries as among a hundred.
func historyQuery(
	ctx context.Context, q querier, in packaging.Scope, f packaging.HistoryFilter,
) (query string, args []any, err error) {
	conditions, values := historyWhere(in, f)
	order := "DESC"
	if f.After > 0 {
		order = "ASC"
	}
	match, possible, err := historyMatch(ctx, q, in, f)
	if err != nil || !possible {
		return "", nil, err
	}
	if match == "" {
		return `SELECT ` + entryColumns + ` FROM history WHERE ` + conditions + ` ORDER BY seq ` + order +
			` LIMIT ?`, append(values, f.Limit+1), nil
	}
	// CROSS JOIN has the index come first. It is in the order of keys, as numbers of a tenant are.
	w := where{"history_index MATCH ?", []any{match}}
	w.and(
		f.Before > 0,
		"history_index.rowid < coalesce((SELECT id FROM history AS at WHERE at.tenant_id = ? AND at.seq >= ? ORDER BY at.seq LIMIT 1), 1 << 62)",
		in.Tenant(), f.Before,
	)
	w.and(
		f.After > 0,
		"history_index.rowid > coalesce((SELECT id FROM history AS at WHERE at.tenant_id = ? AND at.seq <= ? ORDER BY at.seq DESC LIMIT 1), 0)",
		in.Tenant(), f.After,
	)
	return `SELECT ` + entryColumns + ` FROM history_index CROSS JOIN history ON history.id = history_index.rowid
		WHERE ` + w.sql + ` AND ` + conditions + ` ORDER BY history_index.rowid ` + order + ` LIMIT ?`, append(
			append(w.args, values...), f.Limit+1,
		), nil
}

// historyWhere is what the entries of a page must fulfil, but for their words.
func historyWhere(in packaging.Scope, f packaging.HistoryFilter) (string, []any) {
	w := where{"tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(),
		`(line_code IN (SELECT code FROM lines WHERE id IN (SELECT value FROM json_each(?))) OR line_code = '' AND user_id = ?)`,
		lineList(in), in.Person())
	w.and(f.LineCode != "", "line_code = ?", f.LineCode)
	w.and(f.OrderKey != "", "order_key = ?", f.OrderKey)
	w.and(f.Person != "", "username = ?", f.Person)
	w.and(f.Deed != "", "deed = ?", f.Deed)
	w.and(f.Outcome != "", "outcome = ?", f.Outcome)
	w.and(!f.From.IsZero(), "at >= ?", millis(f.From))
	w.and(!f.To.IsZero(), "at < ?", millis(f.To))
	w.and(f.Before > 0, "seq < ?", f.Before)
	w.and(f.After > 0, "seq > ?", f.After)
	return w.sql, w.args
}

// historyMatch asks the index for the filter, in the language of FTS5. It is empty where the filter does not need it;
// possible is false where nothing can match.
func historyMatch(
	ctx context.Context, q querier, in packaging.Scope, f packaging.HistoryFilter,
) (match string, possible bool, err error) {
	var all []string
	key := func(kind, value string) string {
		return wholeKey(kind, in.Tenant(), strings.ToUpper(hex.EncodeToString([]byte(value))))
	}
	if in.Limited() {
		lines, err := linesOf(ctx, q, in)
		if err != nil {
			return "", false, err
		}
		any := []string{"(" + key("l", "") + " AND " + wholeKey("u", in.Tenant(), in.Person()) + ")"}
		for _, line := range lines {
			any = append(any, key("l", line.Code))
		}
		all = append(all, anyOf(any))
	}
	all = append(all, filterKeys(f, key)...)
	if !f.From.IsZero() || !f.To.IsZero() {
		from, to, err := historySpan(ctx, q, in.Tenant(), f.From, f.To)
		spans := spans(in.Tenant(), from, to)
		if err != nil || len(spans) == 0 {
			return "", false, err
		}
		all = append(all, anyOf(spans))
	}
	words, keys := strings.FieldsFunc(f.Text, unicode.IsSpace), len(all)
	for _, word := range words {
		said, err := wordsThatBegin(ctx, q, word)
		if err != nil {
			return "", false, err
		}
		if said != "" {
			all = append(all, said)
		}
	}
	switch {
	case len(words) > 0 && len(all) == 0:
		return "", false, nil // nothing but punctuation
	case len(all) == 0:
		return "", true, nil
	}
	if f.OrderKey != "" {
		all = append(all, key("o", f.OrderKey))
	} else if keys == 0 { // any key says whose the entries are, words alone do not
		all = append(all, key("t", ""))
	}
	return strings.Join(all, " AND "), true, nil
}

// filterKeys asks for what a filter names, but for its order, times and words.
func filterKeys(f packaging.HistoryFilter, key func(kind, value string) string) (all []string) {
	if f.LineCode != "" {
		all = append(all, key("l", f.LineCode))
	}
	if f.Person != "" {
		all = append(all, key("p", f.Person))
	}
	if f.Deed != "" {
		all = append(all, key("d", string(f.Deed)))
	}
	if f.Outcome != "" {
		all = append(all, key("c", string(f.Outcome)))
	}
	if f.Exceptions {
		all = append(all, exceptions(key))
	}
	if len(f.Orders) > 0 {
		var any []string
		for _, order := range f.Orders {
			any = append(any, key("o", order))
		}
		all = append(all, anyOf(any))
	}
	return all
}

// keyMark begins what the index has as a key. It is a letter to FTS5, and on no keyboard.
const keyMark = '\ue000'

// wholeKey asks for a key of the tenant.
func wholeKey(kind string, tenant packaging.TenantID, value any) string {
	return fmt.Sprintf(`keys : "%c%s%dz%v"`, keyMark, kind, tenant, value)
}

func anyOf(keys []string) string { return "(" + strings.Join(keys, " OR ") + ")" }

func exceptions(key func(kind, value string) string) string {
	any := []string{
		key("c", string(packaging.Refused)), key("c", string(packaging.Unknown)),
		"(" + key("d", string(packaging.QueueEnded)) + " NOT " + key("r", string(packaging.QueueDone)) + ")",
	}
	for _, deed := range packaging.Exceptions {
		any = append(any, key("d", string(deed)))
	}
	return anyOf(any)
}

// phrase asks for a word as a person types it: its parts beside each other, the last of them as far as it was typed. It
// is empty where there is nothing in it that the index keeps.
func phrase(word string) string {
	if !strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
		return ""
	}
	return `words : "` + strings.NewReplacer(`"`, `""`, "\x00", " ", string(keyMark), " ").Replace(word) + `" *`
}

// maxEndings is how many words of the history a typed one is taken for, each by itself: those are read from the newest
// entry on. For more, SQLite gathers all entries that have any of them before it gives the first.
const maxEndings = 20

// wordsThatBegin asks for the words of the history that begin with a typed one.
func wordsThatBegin(ctx context.Context, q querier, typed string) (string, error) {
	if strings.ContainsFunc(typed, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') &&
			(r < '0' || r > '9')
	}) {
		return phrase(typed), nil // the index may keep it in parts, or without its accents
	}
	typed = strings.ToLower(typed)
	var words []string
	for from := typed; ; {
		var word string
		// One look finds the next word, however often the last one is there.
		err := q.QueryRowContext(
			ctx, `SELECT term FROM history_terms WHERE term >= ? AND term < ? LIMIT 1`, from, typed+"\U0010ffff",
		).Scan(&word)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return "", coded(err)
		}
		if words = append(words, `words : "`+word+`"`); len(words) > maxEndings {
			return phrase(typed), nil
		}
		from = word + "\x01"
	}
	if len(words) == 0 {
		return phrase(typed), nil
	}
	return anyOf(words), nil
}

// historySpan is the part of a time in which the tenant has entries, in milliseconds; it is empty where there are none.
func historySpan(
	ctx context.Context, q querier, tenant packaging.TenantID, from, to time.Time,
) (first, end int64, err error) {
	err = q.QueryRowContext(ctx, `
		SELECT coalesce((SELECT min(at) FROM history WHERE tenant_id = ?1), 0), coalesce((SELECT max(at) + 1 FROM history WHERE tenant_id = ?1), 0)`, tenant).
		Scan(&first, &end)
	if !from.IsZero() {
		first = max(first, from.UnixMilli())
	}
	if !to.IsZero() {
		end = min(end, to.UnixMilli())
	}
	return first, end, coded(err)
}

// spans are the keys of the hours, days and 32 days that a time is made of. Its first and last hour reach beyond it.
func spans(tenant packaging.TenantID, from, to int64) (keys []string) {
	const hour, day = 3_600_000, 24 * 3_600_000
	if from >= to {
		return nil
	}
	for at := from - from%hour; at < to; {
		kind, length := "h", int64(hour)
		for _, longer := range []struct {
			kind   string
			length int64
		}{{"m", 32 * day}, {"y", day}} {
			if at%longer.length == 0 && at+longer.length <= to {
				kind, length = longer.kind, longer.length
				break
			}
		}
		keys = append(keys, wholeKey(kind, tenant, at/length))
		at += length
	}
	return keys
}
