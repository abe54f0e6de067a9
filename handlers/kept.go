package handlers

import (
	"bytes"
	"compress/flate"
	"container/list"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
	"golang.org/x/sync/singleflight"

	"lineboard/internal/live"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/static"
	"lineboard/views/shell"
)

// A page is made of pieces, each kept by what it depends on: the frame around it is a session's, its content is everybody's
// who reads the same language with the same rights, and the clock is of the request. A piece is rendered once and
// compressed once, however many tablets ask for it.

// piece is a part of a page, as it is and compressed: whole blocks of DEFLATE (RFC 1951) that follow on others.
type piece struct {
	plain, packed []byte
}

func pack(plain []byte) (piece, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Flush() // ends at a byte, and lets more blocks follow
	}
	return piece{plain, packed.Bytes()}, err
}

// stored is a short piece that is not worth compressing.
func stored(plain []byte) piece {
	packed := make([]byte, 5, 5+len(plain))
	binary.LittleEndian.PutUint16(packed[1:], uint16(len(plain)))
	binary.LittleEndian.PutUint16(packed[3:], ^uint16(len(plain)))
	return piece{plain, append(packed, plain...)}
}

// send writes a page's pieces, compressed as one where the browser takes that.
func send(w http.ResponseWriter, r *http.Request, pieces ...piece) error {
	out := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(out)
	out.Reset()
	h := w.Header()
	if static.AcceptsGzip(r.Header) {
		h.Set(echo.HeaderContentEncoding, "gzip")
		out.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}) // RFC 1952: gzip, DEFLATE, no name, no time
		var sum, size uint32
		for _, p := range pieces {
			out.Write(p.packed)
			sum = crc32.Update(sum, crc32.IEEETable, p.plain)
			size += uint32(len(p.plain))
		}
		end := [13]byte{1, 0, 0, 0xff, 0xff} // the last block, which is empty
		binary.LittleEndian.PutUint32(end[5:], sum)
		binary.LittleEndian.PutUint32(end[9:], size)
		out.Write(end[:])
	} else {
		for _, p := range pieces {
			out.Write(p.plain)
		}
	}
	h.Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	h.Set(echo.HeaderContentLength, strconv.Itoa(out.Len()))
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(out.Bytes())
	return err
}

// rendering is what is kept: pieces, and what they depend on.
type rendering struct {
	key    string
	pieces []piece
	topics []string
	asOf   live.Version // the latest change of all when its data began to be read
	drawn  time.Time
	tag    string // of its content
	part   part   // without its content
}

func (r *rendering) size() (n int) {
	for _, p := range r.pieces {
		n += len(p.plain) + len(p.packed)
	}
	return n + len(r.key) + 256
}

// keeper keeps renderings, those used last, up to so many bytes.
type keeper struct {
	hub    *live.Hub
	now    func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	kept  map[string]*list.Element
	order *list.List // of *rendering, used last first
	bytes int
}

const keepMost = 32 << 20 // bytes

func newKeeper(hub *live.Hub, now func() time.Time) *keeper {
	return &keeper{hub: hub, now: now, kept: map[string]*list.Element{}, order: list.New()}
}

// get gives what is kept under a key while none of its topics has changed, and for lasts at most; otherwise it is drawn, once
// for all who ask at the same time. draw fills in pieces, topics and part.
func (k *keeper) get(ctx context.Context, key string, lasts time.Duration, draw func(context.Context, *rendering) error) (*rendering, error) {
	r := k.find(key)
	flight := key
	if r != nil {
		version := k.hub.Version(r.topics...)
		if version <= r.asOf && k.now().Sub(r.drawn) < lasts {
			return r, nil
		}
		flight += "\x00" + strconv.FormatUint(uint64(version), 36)
	} else {
		flight += "\x00" + strconv.FormatUint(uint64(k.hub.Now()), 36)
	}
	// Who comes after another change has another flight: what is drawn in this one may be from before it.
	drawn, err, _ := k.flight.Do(flight, func() (any, error) {
		// Before any data is read: what changes meanwhile then counts as newer than the rendering.
		r := &rendering{key: key, asOf: k.hub.Now(), drawn: k.now()}
		// Others wait for it too, whoever of them goes away.
		if err := draw(context.WithoutCancel(ctx), r); err != nil {
			return nil, err
		}
		k.keep(r)
		return r, nil
	})
	if err != nil {
		return nil, err
	}
	return drawn.(*rendering), nil
}

func (k *keeper) find(key string) *rendering {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.kept[key]
	if !ok {
		return nil
	}
	k.order.MoveToFront(e)
	return e.Value.(*rendering)
}

func (k *keeper) keep(r *rendering) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e, ok := k.kept[r.key]; ok {
		if e.Value.(*rendering).asOf > r.asOf {
			return // somebody who began later was faster
		}
		k.drop(e)
	}
	k.kept[r.key] = k.order.PushFront(r)
	k.bytes += r.size()
	for k.bytes > keepMost {
		k.drop(k.order.Back())
	}
}

func (k *keeper) drop(e *list.Element) {
	r := k.order.Remove(e).(*rendering)
	delete(k.kept, r.key)
	k.bytes -= r.size()
}

// part is a page's own content, which is shared: what it says depends on its topics, and on the rights and the language of
// who reads it, and never on who that is.
type part struct {
	title   string
	wall    bool
	line    packaging.Line
	topics  []packaging.Topic
	content func(shell.Frame) templ.Component
}

// drawing reads what a page's content says, as far as the reader may see it.
type drawing func(ctx context.Context, reader packaging.Person) (part, error)

// contentLasts bounds how long a content is kept without any change: it says how long ago things happened.
const contentLasts = 30 * time.Second

// show answers with a kept page: all of it, or its content alone to a page that is open already. Draw reads what the content
// says, for a reader who has the rights of who asks but no name.
func (s *server) show(c echo.Context, section, key string, draw drawing) error {
	p := signedIn(c)
	reader := packaging.Person{Author: packaging.Author{Role: p.Role}, Tenant: p.Tenant, Lines: p.Lines}
	rights := fmt.Sprintf("%d %s %v %s ", p.Tenant.ID, p.Role, p.Lines, text.Of(pageContext(c)))
	content, err := s.kept.get(pageContext(c), rights+key, contentLasts, func(ctx context.Context, r *rendering) (err error) {
		if r.part, err = draw(ctx, reader); err != nil {
			return err
		}
		for _, t := range r.part.topics {
			r.topics = append(r.topics, t.Of(reader.Tenant.ID))
		}
		f := shell.Frame{Person: reader, Wall: r.part.wall, Now: r.drawn}
		f.Live = s.live(f, r.asOf, r.part.topics...)
		hash := fnv.New64a()
		hash.Write([]byte(r.key))
		r.tag = fmt.Sprintf(`W/"%d-%x"`, f.Live.Version, hash.Sum64())
		plain, err := rendered(ctx, r.part.content(f))
		if err != nil {
			return err
		}
		one, err := pack(plain)
		r.pieces, r.part.content = []piece{one}, nil
		return err
	})
	if err != nil {
		return err
	}
	a := &answer{content: content}
	if !fromHTMX(c) {
		if a.frame, err = s.keptFrame(c, section, content.part); err != nil {
			return err
		}
		if a.fresh, err = s.keptFreshness(c); err != nil {
			return err
		}
		a.reader, a.zone = s.reader(c), p.Tenant.TimeZone
		a.locale = text.In(text.Of(pageContext(c)), p.Tenant.Location())
	}
	if !at(c).Known() { // there a session may be locked at any moment
		s.recent.keep(c.Request(), a)
	}
	return a.write(s.Now(), c.Response(), c.Request())
}

// showPart answers with a page that is drawn for one person and not kept.
func (s *server) showPart(c echo.Context, status int, section string, draw drawing) error {
	before := s.Hub.Now()
	p, err := draw(pageContext(c), signedIn(c))
	if err != nil {
		return err
	}
	f, err := s.cacheFrame(c, section, p.title)
	if err != nil {
		return err
	}
	f.Wall, f.Line, f.Live = p.wall, p.line, s.live(f, before, p.topics...)
	return render(c, status, shell.FullPage(f, p.content(f)))
}

// answer is what a request for a kept page is answered with.
type answer struct {
	content      *rendering
	frame, fresh *rendering // nil where the content alone was asked for
	reader, zone string
	locale       text.Locale
}

func (a *answer) write(now time.Time, w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set(echo.HeaderCacheControl, "no-store") // a shared tablet keeps nothing of a person; what a page asks for again it tells by the tag
	h.Set(echo.HeaderVary, "HX-Request, Accept-Encoding, Cookie")
	if a.frame == nil {
		h.Set("ETag", a.content.tag)
		if r.Header.Get("If-None-Match") == a.content.tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		return send(w, r, a.content.pieces[0])
	}
	// A whole page has no tag: it has the time of its request in it.
	h.Set(readerHeader, a.reader)
	clock, err := rendered(text.With(context.Background(), a.locale), shell.Clock(now, a.zone))
	if err != nil {
		return err
	}
	frame := a.frame.pieces
	return send(w, r, frame[0], stored(clock), frame[1], a.fresh.pieces[0], frame[2], a.content.pieces[0], frame[3])
}

// recent are the answers of the last moment: who asks again for the same, with the same cookies, has the same answer, and
// nothing else is looked at.
type recent struct {
	hub *live.Hub
	now func() time.Time

	mu  sync.Mutex
	all map[question]recentAnswer
}

// question is all of a request that an answer depends on, but for how it is encoded.
type question struct{ uri, cookie, language, part string }

type recentAnswer struct {
	*answer
	topics []string
	asOf   live.Version
	until  time.Time
}

const (
	recentFor  = time.Second // what depends on the time, such as the end of a session, is noticed then
	recentMost = 512         // answers
)

func questionOf(r *http.Request) (q question, ok bool) {
	if r.Method != http.MethodGet || len(r.Header["Cookie"]) != 1 {
		return q, false
	}
	return question{r.RequestURI, r.Header["Cookie"][0], r.Header.Get("Accept-Language"), r.Header.Get("HX-Request")}, true
}

func (k *recent) keep(r *http.Request, a *answer) {
	q, ok := questionOf(r)
	if !ok {
		return
	}
	one := recentAnswer{answer: a, asOf: a.content.asOf, until: k.now().Add(recentFor), topics: append([]string{string(packaging.PeopleTopic)}, a.content.topics...)}
	if a.frame != nil {
		one.asOf = min(one.asOf, a.frame.asOf, a.fresh.asOf)
		one.topics = append(append(one.topics, a.frame.topics...), a.fresh.topics...)
	}
	slices.Sort(one.topics)
	one.topics = slices.Compact(one.topics)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all) >= recentMost {
		clear(k.all)
	}
	k.all[q] = one
}

func (k *recent) find(r *http.Request) *answer {
	q, ok := questionOf(r)
	if !ok {
		return nil
	}
	k.mu.Lock()
	one, ok := k.all[q]
	k.mu.Unlock()
	if !ok || !k.now().Before(one.until) || k.hub.Version(one.topics...) > one.asOf {
		return nil
	}
	return one.answer
}

// again answers from what is recent, and otherwise has next do it.
func (s *server) again(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := s.recent.find(r)
		if a == nil {
			next.ServeHTTP(w, r)
			return
		}
		if err := a.write(s.Now(), w, r); err != nil {
			s.Log.Debug("page not sent", "err", err)
		}
	})
}

// readerHeader tells a browser whose page it is, so that it keeps it for nobody else.
const readerHeader = "Lineboard-Reader"

// keptFrame gives what stands around a content, for one session: before the clock, before the freshness, before the content,
// and after it. At a station it says how long nobody has used that, and is made anew each time.
func (s *server) keptFrame(c echo.Context, section string, about part) (*rendering, error) {
	key := fmt.Sprintf("frame %s %s %s %q %q %q", s.reader(c), text.Of(pageContext(c)), section, here(c), about.title, about.line.Name)
	lasts := time.Hour
	if at(c).Known() {
		lasts = 0
	}
	return s.kept.get(pageContext(c), key, lasts, func(ctx context.Context, r *rendering) error {
		r.topics = []string{string(packaging.PeopleTopic), packaging.SiteTopic.Of(signedIn(c).Tenant.ID)}
		f, err := s.frame(c, section, about.title)
		if err != nil {
			return err
		}
		f.Line, f.Wall, f.Slot = about.line, about.wall, seam
		whole, err := rendered(ctx, shell.PageWithSlots(f))
		if err != nil {
			return err
		}
		for _, plain := range bytes.Split(whole, []byte(seam)) {
			one, err := pack(plain)
			if err != nil {
				return err
			}
			r.pieces = append(r.pieces, one)
		}
		if len(r.pieces) != 4 {
			return fmt.Errorf("a frame has %d pieces", len(r.pieces))
		}
		return nil
	})
}

// seam stands in a frame where the clock, the freshness and the content go. Nothing that others name can hold it: there it would be escaped.
const seam = "<!--seam-->"

// keptFreshness says how fresh the orders are. It depends on the time too.
func (s *server) keptFreshness(c echo.Context) (*rendering, error) {
	tenant := signedIn(c).Tenant.ID
	key := fmt.Sprintf("fresh %d %s %t", tenant, text.Of(pageContext(c)), s.Clients.Down(tenant))
	return s.kept.get(pageContext(c), key, time.Second, func(ctx context.Context, r *rendering) error {
		topics := []packaging.Topic{packaging.FreshTopic, packaging.SiteTopic}
		for _, t := range topics {
			r.topics = append(r.topics, t.Of(tenant))
		}
		fresh, err := s.freshness(ctx, tenant)
		if err != nil {
			return err
		}
		f := shell.Frame{Person: packaging.Person{Tenant: packaging.Tenant{ID: tenant}}, Now: r.drawn, Fresh: &fresh}
		f.FreshLive = s.live(f, r.asOf, topics...)
		plain, err := rendered(ctx, shell.Freshness(f))
		if err != nil {
			return err
		}
		one, err := pack(plain)
		r.pieces = []piece{one}
		return err
	})
}

// showFreshness answers a page that asks how fresh its orders are now.
func (s *server) showFreshness(c echo.Context) error {
	r, err := s.keptFreshness(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	c.Response().Header().Set(echo.HeaderVary, "Accept-Encoding, Cookie")
	return send(c.Response(), c.Request(), r.pieces...)
}

func rendered(ctx context.Context, c templ.Component) ([]byte, error) {
	var out bytes.Buffer
	err := c.Render(ctx, &out)
	return out.Bytes(), err
}
