package secret

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"

	"lineboard/internal/secret/internal/cost"
)

// The shape of a password hash. Package cost has the rest.
const (
	lanes    = 1
	saltSize = 16
	hashSize = 32
)

// hashing limits how many passwords are hashed at the same time, and so the memory that strangers can make us use.
var hashing = make(chan struct{}, 4)

// HashPassword returns a hash to store, in the usual form "$argon2id$v=19$m=…,t=…,p=…$salt$hash". It fails with the
// error of [CheckPassword]. It hashes the composed form: devices type one "ü" as one or as two characters.
func HashPassword(password Text) (string, error) {
	password = composed(password)
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	return hash(password), nil
}

// composed returns a password as RFC 8265 compares it: in Unicode NFC, with plain spaces. One that the RFC does not
// allow stays as typed.
func composed(password Text) Text {
	form, err := precis.OpaqueString.String(password.Reveal())
	if err != nil {
		return password
	}
	return New(form)
}

// HashPIN returns a hash of a PIN to store. A PIN may be shorter than a password. VerifyPassword verifies it too.
func HashPIN(pin Text) string { return hash(pin) }

func hash(password Text) string {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	sum := argon([]byte(password.Reveal()), salt, cost.Passes, cost.Memory, lanes, hashSize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, cost.Memory, cost.Passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

func argon(password, salt []byte, passes, memory uint32, lanes uint8, size uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	cost.Spent.Add(uint64(passes) * uint64(memory))
	return argon2.IDKey(password, salt, passes, memory, lanes, size)
}

// decoy is verified if there is no such person, so that the answer takes the same time.
var decoy = sync.OnceValue(func() string {
	h, _ := HashPassword(New("nobody has this password"))
	return h
})

// VerifyPassword reports whether the hash belongs to the password, as typed or in its composed form. Both are one
// guess. For a person who does not exist, the hash is empty: that takes the same time and returns false.
func VerifyPassword(hash string, password Text) bool {
	exists := hash != ""
	if nobodys := decoy(); !exists { // the first try of all makes it, whoever exists
		hash = nobodys
	}
	ok, err := verify(hash, password)
	if form := composed(password); err == nil && !ok && !form.Equal(password) {
		ok, err = verify(hash, form)
	}
	return ok && err == nil && exists
}

func verify(hash string, password Text) (bool, error) {
	var version int
	var m, t uint32
	var p uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil {
		return false, err
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, err
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false, errors.New("the hash is cut off")
	}
	got := argon([]byte(password.Reveal()), salt, t, m, p, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
