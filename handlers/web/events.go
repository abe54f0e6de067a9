package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/live"
	"lineboard/internal/packaging"
)

const (
	EventsPath   = "/events"
	MetricsPath  = "/metrics"
	heartbeat    = 3 * time.Second  // a page that hears nothing for longer knows that something is wrong
	maxOfSession = 8                // streams: more pages than anybody looks at in one browser
	maxOfPerson  = 256              // streams, in all browsers that they are signed in at
	maxWriteTime = 10 * time.Second // a reader who does not take an event for so long is dropped; its page comes again
)

// Events tells a page which of the topics t of its tenant have changed, as server-sent events for as long as the page
// is open and its session lives. It begins with the versions that they have, so that a page sees there what it
// missed. Where a stream is not asked for, that beginning is all: pages poll so where streams do not get through.
func (s *Kit) Events(c echo.Context) error {
	p, r := SignedIn(c), c.Request()
	own := p.Tenant.ID
	topics := make([]string, 0, live.MaxTopics)
	for _, t := range r.URL.Query()["t"] {
		topics = append(topics, packaging.Topic(t).Of(own))
	}
	if len(topics) == 0 || len(topics) >= live.MaxTopics {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Set("Lineboard-Person", p.Mark()) // a page that is another's by now must not stay
	if !strings.Contains(r.Header.Get(echo.HeaderAccept), "text/event-stream") {
		h.Set(echo.HeaderContentType, echo.MIMETextPlainCharsetUTF8)
		for _, t := range topics {
			fmt.Fprintf(c.Response(), "%s %d\n", ofTenant(t), s.hub.Version(t))
		}
		return nil
	}
	leave, ok := s.enterStream(c, p)
	if !ok {
		h.Set(echo.HeaderRetryAfter, "30")
		return packaging.Fail(packaging.Unavailable, "error.streams")
	}
	defer leave()
	news, err := s.hub.Subscribe(append(topics, string(packaging.PeopleTopic))...)
	if err != nil {
		h.Set(echo.HeaderRetryAfter, "30")
		return packaging.Fail(packaging.Unavailable, "error.streams").Because(err)
	}
	defer news.Close()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy must pass each event on at once
	c.Response().WriteHeader(http.StatusOK)
	out := &stream{c.Response(), http.NewResponseController(c.Response()), maxWriteTime}
	// A server's limit for reading a request would end the stream with it.
	if err := out.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	s.writeEvents(r.Context(), out, news, func() bool { return s.sessionUnchanged(c, p) })
	return nil
}

// enterStream begins a stream and returns what ends it; ok is false if the session or the person has as many as they
// may.
func (s *Kit) enterStream(c echo.Context, p packaging.Person) (leave func(), ok bool) {
	leaveSession, ok := s.streamsOfSession.Enter(s.readerTag(c))
	if !ok {
		return nil, false
	}
	leavePerson, ok := s.streamsOfPerson.Enter(strconv.FormatInt(int64(p.ID), 10))
	if !ok {
		leaveSession()
		return nil, false
	}
	return func() { leaveSession(); leavePerson() }, true
}

// ofTenant is a topic as its tenant knows it.
func ofTenant(topic string) string {
	_, own, _ := strings.Cut(topic, "/")
	return own
}

// writeEvents passes on what changes until either side goes, or alive is false.
func (s *Kit) writeEvents(ctx context.Context, out *stream, news *live.Subscriber, alive func() bool) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var text strings.Builder
		people := false
		select {
		case <-ctx.Done():
			return
		case <-news.Ended():
			return
		case <-beat.C:
			people = true
			text.WriteString("event: beat\ndata: -\n\n")
		case <-news.Changed():
			for _, n := range news.Take() {
				if n.Topic == string(packaging.PeopleTopic) {
					people = true
					continue
				}
				fmt.Fprintf(&text, "id: %d\nevent: changed\ndata: %s %[1]d\n\n", n.Version, ofTenant(n.Topic))
			}
		}
		over := people && !alive()
		if over {
			text.WriteString("event: over\ndata: -\n\n")
		}
		if out.send(text.String()) != nil || over {
			return
		}
	}
}

// sessionUnchanged reports whether the session lives, and its person has the same rights as when the stream began.
func (s *Kit) sessionUnchanged(c echo.Context, was packaging.Person) bool {
	session, err := s.sessions.Get(c.Request(), s.sessions.name)
	if err != nil {
		return false
	}
	now, err := s.sessions.find(c.Request().Context(), sha256.Sum256([]byte(session.ID)))
	return err == nil && reflect.DeepEqual(now.person, was)
}

// stream writes events, each as soon as it is there.
type stream struct {
	io.Writer
	control *http.ResponseController
	limit   time.Duration // for each
}

func (w *stream) send(text string) error {
	if text == "" {
		return nil
	}
	if err := w.control.SetWriteDeadline(time.Now().Add(w.limit)); err != nil &&
		!errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.control.Flush()
}
