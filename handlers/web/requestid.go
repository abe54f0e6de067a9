package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
)

type requestIDKey struct{}

// IdentifyRequest gives each request an id, which stands in every line of the log about it and on its error page.
func IdentifyRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := make([]byte, 6)
		rand.Read(id) // never fails, by its documentation
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, hex.EncodeToString(id))))
	})
}

// RequestID returns the id of the request of a context, empty outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// requestLog adds the id of the request to each line of a log.
type requestLog struct{ slog.Handler }

// Handle logs a line.
func (h requestLog) Handle(ctx context.Context, line slog.Record) error {
	if id := RequestID(ctx); id != "" {
		line.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs keeps the id in what is derived of the log.
func (h requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the id in what is derived of the log.
func (h requestLog) WithGroup(name string) slog.Handler { return requestLog{h.Handler.WithGroup(name)} }
