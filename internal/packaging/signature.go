package packaging

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Record is what a person signs: a kind of thing, and named values of it in a fixed order, as they were shown.
type Record struct {
	Kind   string // for example "release"
	Values []Value
}

// Value is one named value of a record.
type Value struct{ Name, Text string }

// Digest is the hash of a record: SHA-256 over "lineboard record 1", Kind, and the name and text of each value, each
// written as a netstring (see [Entry.Canonical]).
func (r Record) Digest() [sha256.Size]byte {
	var c Canonical
	c.Text("lineboard record 1")
	c.Text(r.Kind)
	for _, v := range r.Values {
		c.Text(v.Name)
		c.Text(v.Text)
	}
	return sha256.Sum256(c)
}

// ReleaseRecord is what is signed of an order before its release. Serials expected are empty where they are not known.
func (o Order) ReleaseRecord() Record {
	expected := ""
	if n, known := o.SerialsExpected(); known {
		expected = strconv.FormatInt(n, 10)
	}
	return Record{SignedRelease, []Value{
		{"order", o.Key},
		{"product", o.Product},
		{"gtin", o.GTIN},
		{"lot", o.Lot},
		{"expiry", o.Expiry},
		{"line", o.Line.Code},
		{"line name", o.Line.Name},
		{"quantity", o.Quantity},
		{"extra percentage", o.ExtraPercent},
		{"serials expected", expected},
		{"revision", strconv.FormatInt(o.Revision, 10)},
	}}
}

// AgainRecord is what is signed of an order before it is released once more: what is signed before a first release, the
// release before, and the reason. As long as none is given, it is empty.
func (o Order) AgainRecord(why string) Record {
	record := o.ReleaseRecord()
	record.Values = append(record.Values,
		Value{"release", strconv.Itoa(o.NextNumber())},
		Value{"release before", strconv.FormatInt(int64(o.Release.ID), 10)},
		Value{"requested by", o.Release.By.Username},
		Value{"requested at", strconv.FormatInt(o.Release.Requested.UnixMilli(), 10)},
		Value{"reason", why})
	return record
}

// The kinds of records that are signed.
const (
	SignedRelease = "release"
	SignedQueue   = "queue" // for all releases of it
)

// Factor is what a person proved with that it is them.
type Factor string

// The factors.
const (
	ByPassword Factor = "password"
	ByPIN      Factor = "pin" // at a station
)

// Signature is a person's signature under a record. Who they are is as of then.
type Signature struct {
	TenantID TenantID
	Kind     string            // of the record
	Object   int64             // our key of what was signed, for example of the release
	Content  [sha256.Size]byte // digest of the record that the person was shown
	Place    int               // 1 for the first signer, 2 for the second
	By       Author
	Human    UserID // the account that stands for the signer, 0 where it is their own; not stored
	Meaning  string // in the words that the person chose
	At       time.Time
	Factor   Factor
	Hash     [sha256.Size]byte
}

// Digest is the hash that the signature must carry: SHA-256 over these fields in this order, each written as a
// netstring (see [Entry.Canonical]):
//
//	"lineboard signature 1", TenantID, Kind, Object, Content in 64 hexadecimal digits, Place, By.ID, By.Username,
//	By.FullName, By.Role, By.Station, Meaning, At in milliseconds since 1970 UTC, Factor
func (s Signature) Digest() [sha256.Size]byte {
	var c Canonical
	c.Text("lineboard signature 1")
	c.Number(int64(s.TenantID))
	c.Text(s.Kind)
	c.Number(s.Object)
	c.Text(hex.EncodeToString(s.Content[:]))
	c.Number(int64(s.Place))
	c.Number(int64(s.By.ID))
	c.Text(s.By.Username)
	c.Text(s.By.FullName)
	c.Text(string(s.By.Role))
	c.Text(s.By.Station)
	c.Text(s.Meaning)
	c.Number(s.At.UnixMilli())
	c.Text(string(s.Factor))
	return sha256.Sum256(c)
}

// SignaturesMissing says whether the rules want other signatures under a record than those given: its own person's
// first, a second person's where they want one, each under just this record.
func (r Rules) SignaturesMissing(by Person, record Record, given []Signature) bool {
	want := 0
	if r.SignReleases {
		want = 1
	}
	if r.SecondSigner {
		want = 2
	}
	if len(given) < want {
		return true
	}
	for i, s := range given {
		if s.Content != record.Digest() || (s.By.ID == by.ID) != (i == 0) {
			return true
		}
		if i > 0 && cmp.Or(s.Human, s.By.ID) == by.human() {
			return true
		}
	}
	return false
}

// Meaning is what a signature can mean; each has its words in the catalogue.
type Meaning string

// The meanings.
const (
	MeansChecked  Meaning = "checked"  // order, product, lot and line
	MeansApproved Meaning = "approved" // the release
	MeansVerified Meaning = "verified" // as the second person
)

// Meanings are those that the first and the second signer choose from.
var Meanings = map[int][]Meaning{1: {MeansChecked, MeansApproved}, 2: {MeansVerified, MeansApproved}}
