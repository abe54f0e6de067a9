package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"lineboard/internal/live"
	"lineboard/internal/packaging"
)

// SessionLimits are the limits of sessions that go on: begun after the one, used after the other.
func (s *Kit) SessionLimits() (started, seen time.Time) {
	now := s.Now()
	return now.Add(-s.limit), now.Add(-s.idle)
}

// SessionStore keeps sessions on the server, under the hash of their token.
type SessionStore interface {
	StartSession(ctx context.Context, token [32]byte, p packaging.Person, from packaging.Device) error
	ContinueSession(ctx context.Context, was, token [32]byte, p packaging.Person, from packaging.Device) error
	Session(
		ctx context.Context, token [32]byte, started, seen time.Time,
	) (p packaging.Person, lastSeen time.Time, err error)
	TouchSession(ctx context.Context, token [32]byte) error
	EndSession(ctx context.Context, token [32]byte, p packaging.Person) error
}

// sessionStore is a gorilla session store whose cookie carries a random token and nothing else. Who it stands for is
// in the database, so that signing out, or an administrator, ends it for good.
type sessionStore struct {
	store       SessionStore
	now         func() time.Time
	idle, limit time.Duration
	name        string
	options     sessions.Options
	address     func(*http.Request) string

	hub   *live.Hub
	mu    sync.Mutex
	known map[[32]byte]knownSession
}

// knownSession is what the database said of a session. It holds until something changes about people or sessions, and
// for a moment only: that a session has reached its limit is then noticed.
type knownSession struct {
	person packaging.Person
	seen   time.Time
	until  time.Time
	asOf   live.Version
}

const (
	TokenBytes    = 32 // bytes of randomness in a token
	TouchInterval = time.Minute
	personKey     = "person"  // of a session's values and of Echo's context
	continuesKey  = "goes on" // of a session's values: it is the sign-in that it was, elsewhere

	sessionTTL       = 10 * time.Second
	maxKnownSessions = 4096 // sessions; more are asked for again
)

func newSessionStore(c Config, address func(*http.Request) string) *sessionStore {
	s := &sessionStore{
		store: c.Store, now: c.Now, idle: c.Idle, limit: c.Limit, address: address,
		hub: c.Hub, known: map[[32]byte]knownSession{},
		// Lax, so that a link to an order in a message opens it; what changes something is a POST, which Lax does not
		// send along.
		options: sessions.Options{
			HttpOnly: true,
			SameSite: http.SameSiteLaxMode,
			Secure:   c.Secure,
			MaxAge:   int(c.Limit / time.Second),
		},
	}
	return s
}

// Get gives the request's session.
func (s *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session that the cookie stands for; without a valid one it is new and empty. The error is the
// database's alone: a stale cookie is no error.
func (s *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := s.options
	session.Options, session.IsNew = &options, true
	token := tokenOf(r, name)
	if token == nil {
		return session, nil
	}
	hash := sha256.Sum256(token)
	known, err := s.find(r.Context(), hash)
	if packaging.CodeOf(err) == packaging.NotFound {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	if s.now().Sub(known.seen) > TouchInterval && askedByPerson(r) {
		err = s.touch(r.Context(), hash)
	}
	session.ID, session.IsNew = string(token), false
	session.Values[personKey] = known.person
	return session, err
}

// tokenOf returns the token that a request brings along, or nil.
func tokenOf(r *http.Request, name string) []byte {
	cookie, err := r.Cookie(name)
	if err != nil {
		return nil
	}
	token, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(token) != TokenBytes {
		return nil
	}
	return token
}

// signedIn returns the hash of a request's token; ok is false if nobody is signed in by it.
func (s *sessionStore) signedIn(r *http.Request) (hash [32]byte, ok bool) {
	token := tokenOf(r, s.name)
	if token == nil {
		return hash, false
	}
	hash = sha256.Sum256(token)
	_, err := s.find(r.Context(), hash)
	return hash, err == nil
}

// askedByPerson reports whether a person asked, not an open page by itself: that does not keep a session alive.
func askedByPerson(r *http.Request) bool {
	return r.Header.Get(unaskedHeader) == "" && r.URL.Path != EventsPath
}

// unaskedHeader marks what a page asks for by itself, because something changed.
const unaskedHeader = "Lineboard-Unasked"

// find returns a session, from memory while nothing has changed about people or sessions. All such changes go through
// the database of this process, which tells of them before they are answered.
func (s *sessionStore) find(ctx context.Context, hash [32]byte) (knownSession, error) {
	now := s.now()
	s.mu.Lock()
	k, ok := s.known[hash]
	s.mu.Unlock()
	if ok && now.Before(k.until) && now.Sub(k.seen) < s.idle &&
		s.hub.Version(string(packaging.PeopleTopic)) <= k.asOf {
		return k, nil
	}
	k = knownSession{asOf: s.hub.Now(), until: now.Add(sessionTTL)}
	var err error
	k.person, k.seen, err = s.store.Session(ctx, hash, now.Add(-s.limit), now.Add(-s.idle))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.known, hash)
		return k, err
	}
	if len(s.known) >= maxKnownSessions {
		clear(s.known)
	}
	s.known[hash] = k
	return k, nil
}

func (s *sessionStore) touch(ctx context.Context, hash [32]byte) error {
	s.mu.Lock()
	delete(s.known, hash) // when it was last used is asked for again
	s.mu.Unlock()
	return s.store.TouchSession(ctx, hash)
}

// Save starts the session of the person in its values under a new token, and ends the one before. A token from before a
// sign-in is worth nothing after it. With a negative MaxAge, Save only ends the session. The sessions library calls it.
func (s *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	goesOn := session.Values[continuesKey] != nil
	if session.ID != "" && !goesOn {
		was, err := s.New(r, session.Name())
		if err != nil {
			return err
		}
		if p, ok := was.Values[personKey].(packaging.Person); ok {
			if err := s.store.EndSession(r.Context(), sha256.Sum256([]byte(session.ID)), p); err != nil {
				return err
			}
		}
	}
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return nil
	}
	person, ok := session.Values[personKey].(packaging.Person)
	if !ok {
		return errors.New("a session without a person can't be saved")
	}
	token := make([]byte, TokenBytes)
	rand.Read(token)
	start := s.store.StartSession
	if goesOn {
		start = func(ctx context.Context, hash [32]byte, p packaging.Person, from packaging.Device) error {
			return s.store.ContinueSession(ctx, sha256.Sum256([]byte(session.ID)), hash, p, from)
		}
	}
	from := packaging.Device{Address: s.address(r), Agent: r.UserAgent()}
	if err := start(r.Context(), sha256.Sum256(token), person, from); err != nil {
		return err
	}
	session.ID = string(token)
	http.SetCookie(w, sessions.NewCookie(session.Name(), base64.RawURLEncoding.EncodeToString(token), session.Options))
	return nil
}

// IdentifyPerson puts who is signed in into the context, if anyone.
func (s *Kit) IdentifyPerson(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		session, err := s.sessions.Get(c.Request(), s.sessions.name)
		if err != nil {
			return err
		}
		if p, ok := session.Values[personKey].(packaging.Person); ok {
			c.Set(personKey, p)
		}
		return next(c)
	}
}

// readerTag marks the sign-in that a page is for, without telling its token. Browsers keep pages for one reader only.
func (s *Kit) readerTag(c echo.Context) string {
	session, err := s.sessions.Get(c.Request(), s.sessions.name)
	if err != nil || session.ID == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("reader " + session.ID))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Person returns who is signed in; ok is false if nobody is.
func Person(c echo.Context) (p packaging.Person, ok bool) {
	p, ok = c.Get(personKey).(packaging.Person)
	return p, ok
}

// SignedIn returns who is signed in, on routes that need a sign-in.
func SignedIn(c echo.Context) packaging.Person {
	p, _ := Person(c)
	return p
}

// StartSession signs a person in at a tenant, under a new token, who has just proved who they are.
func (s *Kit) StartSession(c echo.Context, p packaging.Person) error {
	session, err := s.sessions.Get(c.Request(), s.sessions.name)
	if err != nil {
		return err
	}
	if p.StationID != 0 {
		s.setLanguageCookie(c, "", -time.Second) // what was chosen before was for signing in
	}
	session.Values[personKey] = p
	if err := session.Save(c.Request(), c.Response()); err != nil {
		return err
	}
	if p.StationID == 0 { // a station is known as such
		s.markDevice(c, p.Username)
	}
	return nil
}

// ContinueSession moves the sign-in to another tenant, under a new token. It ends when it would have.
func (s *Kit) ContinueSession(c echo.Context, p packaging.Person) error {
	session, err := s.sessions.Get(c.Request(), s.sessions.name)
	if err != nil {
		return err
	}
	p.SignedOn = SignedIn(c).SignedOn
	session.Values[personKey], session.Values[continuesKey] = p, true
	return session.Save(c.Request(), c.Response())
}

// EndSession signs out.
func (s *Kit) EndSession(c echo.Context) error {
	session, err := s.sessions.Get(c.Request(), s.sessions.name)
	if err != nil {
		return err
	}
	session.Options.MaxAge = -1
	return session.Save(c.Request(), c.Response())
}

// SessionToken is the hash under which the request's session is kept.
func (s *Kit) SessionToken(c echo.Context) ([32]byte, error) {
	session, err := s.sessions.Get(c.Request(), s.sessions.name)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256([]byte(session.ID)), nil
}

// SessionID is what names the request's own session in lists.
func (s *Kit) SessionID(c echo.Context) (string, error) {
	token, err := s.SessionToken(c)
	return packaging.SessionID(token), err
}
