// Package secret protects credentials. [Text] keeps them out of logs and pages, [Box] encrypts them for storage, and
// passwords are stored as hashes.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

const redacted = "[secret]"

// Text is a credential in memory. It prints, logs and encodes as "[secret]". Only Reveal returns it.
type Text struct {
	// A pointer, because fmt calls no methods of values in unexported fields: it would print a plain string.
	value *string
}

// New returns a credential as a Text.
func New(value string) Text { return Text{&value} }

// Reveal returns the credential itself, for the one place that sends it.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Empty reports whether there is no credential.
func (t Text) Empty() bool { return t.Reveal() == "" }

// Equal compares two credentials in constant time.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

func (t Text) String() string               { return redacted }
func (t Text) GoString() string             { return redacted }
func (t Text) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format redacts under every verb, also %x and %d.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// Credentials are what a tenant signs in to the remote API with. A missing one is empty.
type Credentials struct {
	TokenKind   string // "dynamic" or "static"
	TokenHeader string // "x-access-token" or "authorization"
	APIKey      Text
	APISecret   Text
	ChannelKey  Text
	StaticToken Text
}

// Complete reports whether the credentials hold everything that their kind of token needs.
func (c Credentials) Complete() bool {
	if c.TokenKind == "static" {
		return !c.StaticToken.Empty() && !c.ChannelKey.Empty()
	}
	return !c.APIKey.Empty() && !c.APISecret.Empty() && !c.ChannelKey.Empty()
}

// keySize is the size of an AES-256 key, in bytes.
const keySize = 32

// Box seals credentials with AES-256-GCM. A sealed credential is the ID of the key, the nonce, and the ciphertext with
// its tag. Its owner is bound to it as associated data, so that it opens for no other owner.
type Box struct {
	id      []byte
	aead    cipher.AEAD
	markKey []byte
}

const idSize = 4

// ErrWrongKey is the error of a credential that was sealed with another key.
var ErrWrongKey = errors.New("sealed with another key than the one in the key file")

// NewBox returns a Box with a 32-byte key.
func NewBox(key []byte) (*Box, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("a key has %d bytes, this one has %d", keySize, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte("lineboard key id\x00"), key...))
	markKey := sha256.Sum256(append([]byte("lineboard mark key\x00"), key...))
	return &Box{id: sum[:idSize], aead: aead, markKey: markKey[:]}, nil
}

// Seal encrypts a credential that belongs to owner.
func (b *Box) Seal(t Text, owner string) []byte {
	return b.aead.Seal(append([]byte(nil), b.id...), nil, []byte(t.Reveal()), b.bound(owner))
}

// Open decrypts what Seal returned for the same owner. It fails with ErrWrongKey if another key sealed it.
func (b *Box) Open(sealed []byte, owner string) (Text, error) {
	if len(sealed) < idSize {
		return Text{}, errors.New("a sealed credential is cut off")
	}
	if !b.Sealed(sealed) {
		return Text{}, ErrWrongKey
	}
	plain, err := b.aead.Open(nil, nil, sealed[idSize:], b.bound(owner))
	if err != nil {
		return Text{}, errors.New("a sealed credential was altered or belongs to another owner")
	}
	return New(string(plain)), nil
}

// Sealed reports whether this key, and no other one, sealed a credential.
func (b *Box) Sealed(sealed []byte) bool {
	return len(sealed) >= idSize && subtle.ConstantTimeCompare(sealed[:idSize], b.id) == 1
}

// Mark returns a keyed hash of a credential of owner. Equal marks mean equal credentials. Without the key, a mark
// does not help to guess the credential.
func (b *Box) Mark(t Text, owner string) []byte {
	mark := hmac.New(sha256.New, b.markKey)
	fmt.Fprintf(mark, "%d:%s,%s", len(owner), owner, t.Reveal())
	return mark.Sum(nil)
}

// MarkKey returns the key that computes marks. It outlives a key rotation, see [Box.WithMarkKey].
func (b *Box) MarkKey() Text { return New(string(b.markKey)) }

// WithMarkKey returns a copy of b that computes marks with key. Marks outlive a key rotation: the secrets behind them
// are not stored, so they can't be marked again.
func (b *Box) WithMarkKey(key Text) *Box {
	with := *b
	with.markKey = []byte(key.Reveal())
	return &with
}

func (b *Box) bound(owner string) []byte { return append(append([]byte(nil), b.id...), owner...) }
