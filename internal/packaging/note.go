package packaging

import (
	"strings"
	"time"
	"unicode/utf8"
)

// NoteID is our key of a note.
type NoteID int64

// Note is what a person wrote during a shift, about a line or about an order. It is never changed; its writer can
// withdraw it, and then it shows as withdrawn.
type Note struct {
	ID       NoteID
	TenantID TenantID
	Line     Line // with an order: its line then
	OrderID  OrderID
	OrderKey string // empty where the note is about the line
	At       time.Time
	By       Author
	Words    string

	Withdrawn time.Time // zero where it stands
	Why       string
}

// Stands says that the note was not withdrawn.
func (n Note) Stands() bool { return n.Withdrawn.IsZero() }

// MayWithdraw says whether the person may withdraw the note: its writer, once.
func (n Note) MayWithdraw(p Person) bool {
	return n.Stands() && n.By.ID == p.ID && p.MayOn(WriteNotes, n.Line.ID)
}

// MaxNote is how long a note can be, in characters, and the reason to withdraw it. MaxRemarks is that of what is said
// to a hand-over or a review as a whole.
const (
	MaxNote    = 500
	MaxRemarks = 2000
)

// Words are what a person typed, without what surrounds them, where they are text of at most so many characters. The
// error is an Invalid that says what is wrong.
func Words(typed string, most int, needed bool) (string, error) {
	words := strings.TrimSpace(strings.ReplaceAll(typed, "\r\n", "\n"))
	switch n := utf8.RuneCountInString(words); {
	case needed && n == 0:
		return "", Fail(Invalid, "words.missing")
	case n > most:
		return "", Fail(Invalid, "words.too_long")
	case !utf8.ValidString(words) ||
		strings.ContainsFunc(words, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }):
		return "", Fail(Invalid, "words.not_text")
	}
	return words, nil
}
