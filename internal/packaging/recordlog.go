package packaging

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
)

// LogLine is a line of a tenant's log of records: what a record was from then on.
type LogLine struct {
	Number int64  // counts from 1 within the tenant, without gaps
	Record string // the table
	Key    string // a JSON array
	Digest [sha256.Size]byte
	Gone   bool // the record is no more, and there is no digest
	// Of a line about many new records, the digest of each. Their keys follow each other: Key is `[[first,last]]`.
	Digests []byte
}

// LineOfMany is a line about new records of a table whose keys follow each other from the first on, with the digest of
// each. Its own digest is over these.
func LineOfMany(record string, first int64, digests []byte) LogLine {
	last := first + int64(len(digests)/sha256.Size) - 1
	return LogLine{
		Record: record, Key: fmt.Sprintf("[[%d,%d]]", first, last), Digest: sha256.Sum256(digests), Digests: digests,
	}
}

// Holds reports whether the digests of a line about many records are those that its own digest is over.
func (l LogLine) Holds() bool { return l.Digests == nil || sha256.Sum256(l.Digests) == l.Digest }

// LogDigest is the SHA-256 of lines of the log. Each line is its number, record, key, and digest in hexadecimal digits,
// each as a netstring (see [Entry.Canonical]). A line whose record is gone has an empty digest.
type LogDigest struct{ hash hash.Hash }

// NewLogDigest returns the digest of no line.
func NewLogDigest() LogDigest { return LogDigest{sha256.New()} }

// Add takes the next line.
func (d LogDigest) Add(l LogLine) {
	var c Canonical
	c.Number(l.Number)
	c.Text(l.Record)
	c.Text(l.Key)
	if l.Gone {
		c.Text("")
	} else {
		c.Text(hex.EncodeToString(l.Digest[:]))
	}
	d.hash.Write(c) //nolint:errcheck // a hash never fails
}

// Sum is the digest of the lines so far.
func (d LogDigest) Sum() (sum [sha256.Size]byte) {
	copy(sum[:], d.hash.Sum(nil))
	return sum
}

// RecordFault is a record that is not what the history says.
type RecordFault struct {
	Kind   FaultKind
	Record string // the table
	Key    string // a JSON array
	Seq    int64  // the entry that has the digest, 0 where none has
}

// String is how the history names the fault.
func (f RecordFault) String() string { return fmt.Sprintf("%s %s %s", f.Record, f.Key, f.Kind) }

// FoundByHand returns the entry by which the history keeps that something was done by hand to a record before the
// program wrote it again.
func (f RecordFault) FoundByHand(tenant TenantID, by Author) Entry {
	return Entry{
		TenantID: tenant, By: by, Deed: RecordByHand, Object: SaysRecord.Of(f.Record, f.Key), New: saysByHand[f.Kind].Of(),
	}
}

// MoreByHand returns the entry that counts the records beyond those that a transaction names.
func MoreByHand(more int, tenant TenantID, by Author) Entry {
	return Entry{
		TenantID: tenant, By: by, Deed: RecordByHand, Object: SaysMoreRecords.Of(more), New: SaysChangedByHand.Of(),
	}
}

// saysByHand says what was done by hand.
var saysByHand = map[FaultKind]Saying{
	FaultChanged: SaysChangedByHand, FaultMissing: SaysDeletedByHand, FaultAdded: SaysAddedByHand,
}

// ByHand is what a history says itself to have been done to records by hand, before the program wrote them again.
type ByHand struct {
	Count   int64         // of records
	Records []RecordFault // the first of them, at most [MaxFaults], each with the entry that says so
}

// add takes the next entry.
func (b *ByHand) add(e Entry) {
	if e.Deed != RecordByHand {
		return
	}
	if more, ok := SaysMoreRecords.Read(e.Object); ok {
		n, _ := strconv.ParseInt(more[0], 10, 64) // the program wrote it
		b.Count += n
		return
	}
	b.Count++
	record, ok := SaysRecord.Read(e.Object)
	if !ok || len(b.Records) == MaxFaults {
		return
	}
	for kind, says := range saysByHand {
		if e.New == says.Of() {
			b.Records = append(b.Records, RecordFault{Kind: kind, Record: record[0], Key: record[1], Seq: e.Seq})
		}
	}
}

// first names the first record.
func (b ByHand) first() string {
	if len(b.Records) == 0 {
		return "–"
	}
	return b.Records[0].String()
}

// MaxFaults is how many faults a verdict names.
const MaxFaults = 100

// RecordNouns are what people call the records of each table. A table without one is "other".
var RecordNouns = map[string]string{
	"orders": "order", "order_events": "timeline", "imported_facts": "order", "products": "serials",
	"serials":      "serials",
	"serial_marks": "serials", "list_gtins": "serials", "shown_serials": "serials",
	"releases": "release", "lost_releases": "release", "answers": "release", "kept_answers": "release",
	"settlements":      "release",
	"acknowledgements": "acknowledgement", "signatures": "signature",
	"notes": "note", "note_withdrawals": "note", "queues": "queue", "queue_orders": "queue",
	"handovers": "handover", "handover_items": "handover", "takeovers": "handover", "handover_acks": "handover",
	"shift_reviews": "review", "imports": "import", "import_changes": "import",
	"users": "person", "members": "person", "member_roles": "person", "member_lines": "person",
	"station_factors": "person", "identities": "person", "sign_on_waits": "person", "parted_humans": "person",
	"known_as":      "person",
	"history_views": "view",
	"api_tokens":    "token", "api_token_lines": "token", "stations": "station",
	"displays": "station", "lines": "line",
	"shift_plans": "shifts", "shifts": "shifts", "shift_rules": "settings", "rules": "settings", "tenants": "settings",
	"credentials_set": "settings", "sso": "settings", "sso_grants": "settings", "sso_grant_roles": "settings",
	"sso_grant_lines": "settings",
	"alarm_settings":  "settings", "alarm_rules": "settings", "alarm_rule_lines": "settings",
	"alarm_rule_recipients": "settings", "recipients": "settings", "api_token_scopes": "token",
	"destinations": "destination", "list_templates": "destination", "deliveries": "delivery", "losses": "loss",
	"record_log": "log", "sqlite_schema": "schema",
}

// Noun is what people call the record.
func (f RecordFault) Noun() string {
	if f.Kind == FaultHidden {
		return "index"
	}
	if noun := RecordNouns[f.Record]; noun != "" {
		return noun
	}
	return "other"
}
