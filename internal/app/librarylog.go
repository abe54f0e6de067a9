package app

import (
	"log"
	"log/slog"
	"strings"
)

// hearLibraries has what libraries log by package log in a log of ours.
func hearLibraries(ours *slog.Logger) {
	log.SetFlags(0)
	log.SetPrefix("")
	log.SetOutput(libraryLog{ours})
}

// libraryLog keeps what a library says up to the first quotation mark. What another machine said stands there in
// quotation marks: net/http quotes whatever a server sends after its answer, which may repeat the credentials.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Write(line []byte) (int, error) {
	said, _, quoted := strings.Cut(strings.TrimSpace(string(line)), `"`)
	if quoted {
		said += "…"
	}
	l.log.Warn(said)
	return len(line), nil
}
