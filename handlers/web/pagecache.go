package web

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

// A page is made of fragments, each kept by what it depends on. The frame belongs to a session. The content is shared
// by all who read the same language with the same rights. The clock belongs to the request. A fragment is rendered
// and compressed once, however many tablets ask for it.

// fragment is a part of a page, plain and compressed: whole DEFLATE blocks (RFC 1951) that can follow others.
type fragment struct {
	plain, compressed []byte
}

func compress(plain []byte) (fragment, error) {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Flush() // ends at a byte, and lets more blocks follow
	}
	return fragment{plain, packed.Bytes()}, err
}

// uncompressed returns a fragment in a DEFLATE block that is not compressed: for a few bytes.
func uncompressed(plain []byte) fragment {
	packed := make([]byte, 5, 5+len(plain))
	binary.LittleEndian.PutUint16(packed[1:], uint16(len(plain)))
	binary.LittleEndian.PutUint16(packed[3:], ^uint16(len(plain)))
	return fragment{plain, append(packed, plain...)}
}

// writeFragments writes a page, with gzip if the browser takes that.
func writeFragments(w http.ResponseWriter, r *http.Request, pieces ...fragment) error {
	out := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(out)
	out.Reset()
	h := w.Header()
	if static.AcceptsGzip(r.Header) {
		h.Set(echo.HeaderContentEncoding, "gzip")
		out.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}) // RFC 1952: gzip, DEFLATE, no name, no time
		var sum, size uint32
		for _, p := range pieces {
			out.Write(p.compressed)
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

// cacheEntry is what is kept: fragments, and what they depend on.
type cacheEntry struct {
	key       string
	fragments []fragment
	topics    []string
	asOf      live.Version // the latest change of all when its data began to be read
	drawn     time.Time
	ttl       time.Duration
	tag       string // of its content
	page      Page   // without its content
}

func (r *cacheEntry) size() (n int) {
	for _, p := range r.fragments {
		n += len(p.plain) + len(p.compressed)
	}
	return n + len(r.key) + 256
}

// old says that an entry has been kept for as long as it may. A clock that was set back makes none younger.
func (r *cacheEntry) old(now time.Time) bool {
	age := now.Sub(r.drawn)
	return age < 0 || age >= r.ttl
}

// pageCache keeps entries up to maxCacheBytes. It drops those first that were not used for the longest time, and at
// once if they are old: of a busy day's pages most are asked for once.
type pageCache struct {
	hub    *live.Hub
	now    func() time.Time
	flight singleflight.Group
	used   func(hit bool) // hears of each use

	mu      sync.Mutex
	entries map[string]*list.Element
	order   *list.List // of *rendering, used last first
	bytes   int
}

const maxCacheBytes = 16 << 20 // bytes

func newPageCache(hub *live.Hub, now func() time.Time, used func(hit bool)) *pageCache {
	if used == nil {
		used = func(bool) {}
	}
	return &pageCache{hub: hub, now: now, used: used, entries: map[string]*list.Element{}, order: list.New()}
}

// get returns the entry of a key. An entry is good while none of its topics has changed, and for ttl at most. A new
// one is drawn once for all who ask at the same time; draw fills in its fragments, topics and page.
func (k *pageCache) get(
	ctx context.Context, key string, ttl time.Duration, draw func(context.Context, *cacheEntry) error,
) (*cacheEntry, error) {
	r := k.find(key)
	flight := key
	if r != nil {
		version := k.hub.Version(r.topics...)
		if ttl > 0 && version <= r.asOf && !r.old(k.now()) {
			k.used(true)
			return r, nil
		}
		flight += "\x00" + strconv.FormatUint(uint64(version), 36)
	} else {
		flight += "\x00" + strconv.FormatUint(uint64(k.hub.Now()), 36)
	}
	k.used(false)
	// A request after another change starts another flight: this one may have read its data before that change.
	drawn, err, _ := k.flight.Do(flight, func() (any, error) {
		// Before any data is read: what changes meanwhile then counts as newer than the rendering.
		r := &cacheEntry{key: key, asOf: k.hub.Now(), drawn: k.now(), ttl: ttl}
		// Others wait for it too, even if this request is cancelled.
		if err := draw(context.WithoutCancel(ctx), r); err != nil {
			return nil, err
		}
		if ttl > 0 {
			k.keep(r)
		}
		return r, nil
	})
	if err != nil {
		return nil, err
	}
	return drawn.(*cacheEntry), nil
}

func (k *pageCache) find(key string) *cacheEntry {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.entries[key]
	if !ok {
		return nil
	}
	k.order.MoveToFront(e)
	return e.Value.(*cacheEntry)
}

func (k *pageCache) keep(r *cacheEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e, ok := k.entries[r.key]; ok {
		if e.Value.(*cacheEntry).asOf > r.asOf {
			return // somebody who began later was faster
		}
		k.drop(e)
	}
	k.entries[r.key] = k.order.PushFront(r)
	k.bytes += r.size()
	now := k.now()
	for e := k.order.Back(); e != nil && (k.bytes > maxCacheBytes || e.Value.(*cacheEntry).old(now)); e = k.order.Back() {
		k.drop(e)
	}
}

func (k *pageCache) drop(e *list.Element) {
	r := k.order.Remove(e).(*cacheEntry)
	delete(k.entries, r.key)
	k.bytes -= r.size()
}

// Page is the content of a page. What is kept is shared: it depends on its topics and on the rights and the language
// of its reader, never on who that is.
type Page struct {
	Status int // of the answer, 0 for 200; a page that is kept has none
	Title  string
	Wall   bool
	Line   packaging.Line
	Topics []packaging.Topic
	// Personal are those who see more on it than others with their rights: it is drawn for each of them.
	Personal []packaging.UserID
	Content  func(shell.Frame) templ.Component
}

// RenderFunc reads the data of a page, as far as the reader may see it.
type RenderFunc func(ctx context.Context, reader packaging.Person) (Page, error)

// pageTTL bounds how long a content is kept without a change: it says how long ago things happened. What stands around
// it is kept as long.
const pageTTL = 30 * time.Second

// Show answers with a page of the cache: all of it, or its content alone to a page that is open already. draw reads
// its data for a reader with the rights of the person who asks, but without their name.
func (s *Kit) Show(c echo.Context, section, key string, draw RenderFunc) error {
	p := SignedIn(c)
	reader := packaging.Person{Author: packaging.Author{Role: p.Role}, Tenant: p.Tenant, Lines: p.Lines}
	rights := fmt.Sprintf("%d %s %v %s ", p.Tenant.ID, p.Role, p.Lines, text.Of(c.Request().Context()))
	content, err := s.pages.get(
		c.Request().Context(),
		rights+key,
		pageTTL,
		func(ctx context.Context, r *cacheEntry) (err error) {
			if r.page, err = draw(ctx, reader); err != nil {
				return err
			}
			for _, t := range r.page.Topics {
				r.topics = append(r.topics, t.Of(reader.Tenant.ID))
			}
			f := shell.Frame{Person: reader, Wall: r.page.Wall, Now: r.drawn}
			f.Live = s.live(reader, r.asOf, r.page.Topics...)
			hash := fnv.New64a()
			hash.Write([]byte(r.key))
			r.tag = fmt.Sprintf(`W/"%d-%x"`, f.Live.Version, hash.Sum64())
			plain, err := rendered(ctx, r.page.Content(f))
			if err != nil {
				return err
			}
			one, err := compress(plain)
			r.fragments, r.page.Content = []fragment{one}, nil
			return err
		},
	)
	if err != nil {
		return err
	}
	if slices.Contains(content.page.Personal, p.ID) {
		return s.ShowFresh(c, section, draw)
	}
	a := &answer{content: content}
	if !IsHTMX(c) {
		if a.frame, err = s.cachedFrame(c, section, content.page); err != nil {
			return err
		}
		if a.fresh, err = s.cachedFreshness(c); err != nil {
			return err
		}
		a.reader, a.zone = s.readerTag(c), p.Tenant.TimeZone
		a.locale = text.In(text.Of(c.Request().Context()), p.Tenant.Location())
	}
	if !Station(c).Known() { // there a session may be locked at any moment
		s.recent.keep(c.Request(), a)
	}
	return a.write(s.Now(), c.Response(), c.Request())
}

// answer is what a request for a page of the cache gets.
type answer struct {
	content      *cacheEntry
	frame, fresh *cacheEntry // nil where the content alone was asked for
	reader, zone string
	locale       text.Locale
}

func (a *answer) write(now time.Time, w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set(echo.HeaderCacheControl, "no-store") // a shared tablet keeps nothing of a person
	h.Set(echo.HeaderVary, "HX-Request, Accept-Encoding, Cookie")
	if a.frame == nil {
		h.Set("ETag", a.content.tag)
		if r.Header.Get("If-None-Match") == a.content.tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		return writeFragments(w, r, a.content.fragments[0])
	}
	// A whole page has no tag: it has the time of its request in it.
	h.Set(readerHeader, a.reader)
	clock, err := rendered(text.With(context.Background(), a.locale), shell.Clock(now, a.zone))
	if err != nil {
		return err
	}
	frame := a.frame.fragments
	return writeFragments(
		w,
		r,
		frame[0],
		uncompressed(clock),
		frame[1],
		a.fresh.fragments[0],
		frame[2],
		a.content.fragments[0],
		frame[3],
	)
}

// readerHeader tells a browser which sign-in a page is for. The browser keeps it for no other.
const readerHeader = "Lineboard-Reader"

// cachedFrame returns what stands around a content, for one session, in four fragments: before the clock, before the
// freshness, before the content, and after it. At a station it holds the time until the lock, and is not kept.
func (s *Kit) cachedFrame(c echo.Context, section string, about Page) (*cacheEntry, error) {
	key := fmt.Sprintf(
		"frame %s %s %s %s %q %q %q %q",
		s.readerTag(c),
		text.Of(c.Request().Context()),
		shell.ThemeOf(c.Request().Context()),
		section,
		CurrentPath(c),
		about.Title,
		about.Line.Name,
		shell.CopyTold(s.copied(), s.Now()),
	)
	ttl := pageTTL
	if Station(c).Known() {
		ttl = 0
	}
	return s.pages.get(c.Request().Context(), key, ttl, func(ctx context.Context, r *cacheEntry) error {
		r.topics = []string{string(packaging.PeopleTopic), packaging.SiteTopic.Of(SignedIn(c).Tenant.ID)}
		f, err := s.Frame(c, section, about.Title)
		if err != nil {
			return err
		}
		f.Line, f.Wall, f.Slot = about.Line, about.Wall, slot
		whole, err := rendered(ctx, shell.PageWithSlots(f))
		if err != nil {
			return err
		}
		for _, plain := range bytes.Split(whole, []byte(slot)) {
			one, err := compress(plain)
			if err != nil {
				return err
			}
			r.fragments = append(r.fragments, one)
		}
		if len(r.fragments) != 4 {
			return fmt.Errorf("a frame has %d fragments", len(r.fragments))
		}
		return nil
	})
}

// slot stands in a frame where the clock, the freshness and the content go. Text that others enter is escaped, so it
// never holds one.
const slot = "<!--seam-->"

// cachedFreshness returns how fresh the orders are. It is kept for a second.
func (s *Kit) cachedFreshness(c echo.Context) (*cacheEntry, error) {
	tenant := SignedIn(c).Tenant.ID
	_, down := s.clients.Down(tenant)
	key := fmt.Sprintf("fresh %d %s %t", tenant, text.Of(c.Request().Context()), down)
	return s.pages.get(c.Request().Context(), key, time.Second, func(ctx context.Context, r *cacheEntry) error {
		topics := []packaging.Topic{packaging.FreshTopic, packaging.SiteTopic}
		for _, t := range topics {
			r.topics = append(r.topics, t.Of(tenant))
		}
		fresh, err := s.Freshness(ctx, tenant)
		if err != nil {
			return err
		}
		f := shell.Frame{Person: packaging.Person{Tenant: packaging.Tenant{ID: tenant}}, Now: r.drawn, Fresh: &fresh}
		f.FreshLive = s.live(f.Person, r.asOf, topics...)
		plain, err := rendered(ctx, shell.Freshness(f))
		if err != nil {
			return err
		}
		one, err := compress(plain)
		r.fragments = []fragment{one}
		return err
	})
}

// ShowFreshness answers a page that asks how fresh its orders are.
func (s *Kit) ShowFreshness(c echo.Context) error {
	r, err := s.cachedFreshness(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	c.Response().Header().Set(echo.HeaderVary, "Accept-Encoding, Cookie")
	return writeFragments(c.Response(), c.Request(), r.fragments...)
}

func rendered(ctx context.Context, c templ.Component) ([]byte, error) {
	var out bytes.Buffer
	err := c.Render(ctx, &out)
	return out.Bytes(), err
}
