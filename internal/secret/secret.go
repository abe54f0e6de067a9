// Package secret keeps credentials from being read by whom they do not concern: [Text] never shows itself, [Box] seals
// what is stored.
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

// Text is a credential in memory. However it is printed, logged or encoded, it shows as "[secret]"; only Reveal gives it.
type Text struct {
	// A pointer, because fmt asks no methods of what stands in unexported fields: it would print a plain string.
	value *string
}

// New makes a Text of a credential.
func New(value string) Text { return Text{&value} }

// Reveal is the credential itself, for the one place that sends it.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Empty says whether there is no credential.
func (t Text) Empty() bool { return t.Reveal() == "" }

// Equal compares without telling by its time where two credentials differ.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

func (t Text) String() string               { return redacted }
func (t Text) GoString() string             { return redacted }
func (t Text) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format redacts under every verb, %x and %d included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// Credentials are how a tenant signs in to the remote API. A missing one is empty.
type Credentials struct {
	TokenKind   string // "dynamic" or "static"
	TokenHeader string // "x-access-token" or "authorization"
	APIKey      Text
	APISecret   Text
	ChannelKey  Text
	StaticToken Text
}

// Complete says whether all is there that the kind of token needs.
func (c Credentials) Complete() bool {
	if c.TokenKind == "static" {
		return !c.StaticToken.Empty() && !c.ChannelKey.Empty()
	}
	return !c.APIKey.Empty() && !c.APISecret.Empty() && !c.ChannelKey.Empty()
}

// keySize is that of AES-256.
const keySize = 32

// Box seals credentials with AES-256-GCM. A sealed credential is the ID of the key, the nonce, and the ciphertext with
// its tag; what it belongs to is bound to it as associated data, so that it opens nowhere else.
type Box struct {
	id    []byte
	aead  cipher.AEAD
	marks []byte // the key of marks
}

const idSize = 4

// ErrWrongKey says that a credential was sealed with another key than the one at hand.
var ErrWrongKey = errors.New("sealed with another key than the one in the key file")

// NewBox makes a Box of a 32-byte key.
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
	marks := sha256.Sum256(append([]byte("lineboard mark key\x00"), key...))
	return &Box{id: sum[:idSize], aead: aead, marks: marks[:]}, nil
}

// Seal seals a credential that belongs to owner.
func (b *Box) Seal(t Text, owner string) []byte {
	return b.aead.Seal(append([]byte(nil), b.id...), nil, []byte(t.Reveal()), b.bound(owner))
}

// Open opens what Seal made for the same owner. The error is ErrWrongKey where another key sealed it.
func (b *Box) Open(sealed []byte, owner string) (Text, error) {
	if len(sealed) < idSize {
		return Text{}, errors.New("a sealed credential is cut off")
	}
	if subtle.ConstantTimeCompare(sealed[:idSize], b.id) != 1 {
		return Text{}, ErrWrongKey
	}
	plain, err := b.aead.Open(nil, nil, sealed[idSize:], b.bound(owner))
	if err != nil {
		return Text{}, errors.New("a sealed credential was altered or belongs to another owner")
	}
	return New(string(plain)), nil
}

// Mark tells later whether a credential of owner is still the same, without slow hashing and without giving it away to
// whom has the mark but not the key.
func (b *Box) Mark(t Text, owner string) []byte {
	mark := hmac.New(sha256.New, b.marks)
	fmt.Fprintf(mark, "%d:%s,%s", len(owner), owner, t.Reveal())
	return mark.Sum(nil)
}

// MarkKey is the key that marks are made with. It outlives the box's own (see [Box.WithMarkKey]).
func (b *Box) MarkKey() Text { return New(string(b.marks)) }

// WithMarkKey is a box that seals as b does, and makes marks as the box did whose MarkKey it is given: what is marked can't
// be marked anew when the key changes, since nobody has it any more.
func (b *Box) WithMarkKey(key Text) *Box {
	with := *b
	with.marks = []byte(key.Reveal())
	return &with
}

func (b *Box) bound(owner string) []byte { return append(append([]byte(nil), b.id...), owner...) }
