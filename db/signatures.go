package db

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lineboard/internal/packaging"
)

const signatureColumns = `tenant_id, kind, object, content, place, user_id, username, full_name, role, station, meaning, at, factor, hash`

func scanSignature(row scanner) (s packaging.Signature, err error) {
	var at int64
	var content, hash []byte
	err = row.Scan(&s.TenantID, &s.Kind, &s.Object, &content, &s.Place, &s.By.ID, &s.By.Username, &s.By.FullName, &s.By.Role,
		&s.By.Station, &s.Meaning, &at, &s.Factor, &hash)
	s.At = moment(at)
	copy(s.Content[:], content)
	copy(s.Hash[:], hash)
	return s, err
}

// Signatures gives those under a record of a kind, the first signer's first.
func (d *DB) Signatures(ctx context.Context, tenant packaging.TenantID, kind string, object int64) ([]packaging.Signature, error) {
	return collect(ctx, d.read, scanSignature,
		`SELECT `+signatureColumns+` FROM signatures WHERE tenant_id = ? AND kind = ? AND object = ? ORDER BY place`, tenant, kind, object)
}

// sign stores a signature under what its kind and object name, and records it in about, an entry that says what is
// concerned. It fills in the time and the hash. That somebody signs the same thing twice is a Conflict.
func (t *tx) sign(s packaging.Signature, about packaging.Entry) error {
	s.At = t.now
	for _, text := range []*string{&s.By.Username, &s.By.FullName, &s.By.Station, &s.Meaning} {
		*text = strings.ToValidUTF8(*text, "�") // what the hash is over must be what any reader gets back
	}
	s.Hash = s.Digest()
	err := t.exec(`INSERT INTO signatures (`+signatureColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		s.TenantID, s.Kind, s.Object, s.Content[:], s.Place, s.By.ID, s.By.Username, s.By.FullName, s.By.Role, s.By.Station,
		s.Meaning, millis(s.At), s.Factor, s.Hash[:])
	var lite *sqlite.Error
	if errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return packaging.Fail(packaging.Conflict, "obstacle.signature_missing").Because(err)
	}
	if err != nil {
		return err
	}
	about.By, about.Deed, about.Object = s.By, packaging.Signed, "signature"
	about.New = s.Meaning + " · " + hex.EncodeToString(s.Hash[:])
	return t.record(about)
}
