package app

import (
	"net/http"
	"time"
)

// chunk is how much of an answer is written under one limit: who takes so much within it makes progress.
const chunk = 32 << 10

// endStalled ends answers of next that a client does not take: each part of one must leave within the limit. A handler
// that sets a deadline of its own, as one of a stream does, is left to it.
func endStalled(next http.Handler, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &progressWriter{ResponseWriter: w, control: http.NewResponseController(w), limit: limit}
		next.ServeHTTP(answer, r)
		answer.start() // the server has yet to write what it buffered
	})
}

// progressWriter writes an answer in parts, each with a deadline.
type progressWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
	left    bool // to the handler's own deadline
}

// start begins the time for a part. Where deadlines are not supported there is none.
func (w *progressWriter) start() {
	if !w.left {
		_ = w.control.SetWriteDeadline(time.Now().Add(w.limit))
	}
}

// stop ends the time for a part: the handler may take as long as it needs to make the next one.
func (w *progressWriter) stop() {
	if !w.left {
		_ = w.control.SetWriteDeadline(time.Time{})
	}
}

func (w *progressWriter) Write(p []byte) (written int, err error) {
	for {
		part := p[:min(len(p), chunk)]
		w.start()
		n, err := w.ResponseWriter.Write(part)
		w.stop()
		written += n
		if p = p[len(part):]; err != nil || len(p) == 0 {
			return written, err
		}
	}
}

// FlushError is what [http.ResponseController] flushes by.
func (w *progressWriter) FlushError() error {
	w.start()
	defer w.stop()
	return w.control.Flush()
}

// Flush is for those who ask for an [http.Flusher].
func (w *progressWriter) Flush() { _ = w.FlushError() }

// SetWriteDeadline leaves the answer to the handler's own deadline.
func (w *progressWriter) SetWriteDeadline(at time.Time) error {
	w.left = true
	return w.control.SetWriteDeadline(at)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
