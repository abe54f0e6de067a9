package web

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/throttle"
)

// A browser in which people signed in keeps a cookie that says so: the number of the device, and a mark for itself and
// for each of them. Nobody can make a mark without the server's key, so strangers can't pass for a known device. The
// cookie opens nothing: it only has what this browser asks, and what these people try, counted apart from strangers.
const (
	deviceBytes   = 16
	markBytes     = 16
	maxMarks      = 8                    // people of one device; the one who was there before all others is dropped
	anybody       = ""                   // of whom a device has a mark for itself, beside those of people
	deviceCookies = 400 * 24 * time.Hour // how long browsers keep a cookie at most; each sign-in begins it anew
)

// device is what a browser's cookie holds.
type device struct {
	number [deviceBytes]byte
	marks  [][markBytes]byte
}

// Client returns where a password for a username comes from.
func (s *Kit) Client(c echo.Context, username string) throttle.Client {
	from := throttle.Client{Address: c.RealIP()}
	p, signedIn := Person(c)
	switch station := Station(c); {
	case signedIn && strings.EqualFold(p.Username, username):
		from.Device = "signed in"
	case station.Known():
		from.Device, from.Shared = fmt.Sprintf("station %d", station.ID), true
	default:
		if d, ok := s.deviceOf(c.Request()); ok && slices.Contains(d.marks, s.deviceMark(d, username)) {
			from.Device = string(d.number[:])
		}
	}
	return from
}

// markDevice sets a cookie that remembers that a person signed in in this browser.
func (s *Kit) markDevice(c echo.Context, username string) {
	d, ok := s.deviceOf(c.Request())
	if !ok {
		rand.Read(d.number[:])
	}
	own, mark := s.deviceMark(d, anybody), s.deviceMark(d, username)
	d.marks = slices.DeleteFunc(d.marks, func(m [markBytes]byte) bool { return m == own || m == mark })
	d.marks = append([][markBytes]byte{own, mark}, d.marks...)
	value := slices.Clone(d.number[:])
	for _, m := range d.marks[:min(len(d.marks), 1+maxMarks)] {
		value = append(value, m[:]...)
	}
	c.SetCookie(&http.Cookie{
		Name: s.deviceCookie(), Value: base64.RawURLEncoding.EncodeToString(value),
		Path: s.CookiePath("/login"), MaxAge: int(deviceCookies / time.Second), // passwords are asked for nowhere else
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode,
	})
}

// deviceOf returns what the browser's cookie holds; ok is false if there is none.
func (s *Kit) deviceOf(r *http.Request) (d device, ok bool) {
	cookie, err := r.Cookie(s.deviceCookie())
	if err != nil {
		return d, false
	}
	value, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(value) < deviceBytes+markBytes || len(value) > deviceBytes+(1+maxMarks)*markBytes {
		return d, false
	}
	copy(d.number[:], value)
	for mark := range slices.Chunk(value[deviceBytes:], markBytes) {
		var m [markBytes]byte
		copy(m[:], mark)
		d.marks = append(d.marks, m)
	}
	return d, true
}

func (s *Kit) deviceMark(d device, username string) (m [markBytes]byte) {
	copy(m[:], s.store.DeviceMark(d.number[:], strings.ToLower(username)))
	return m
}

// deviceCookie is the name of the cookie. The prefix __Host- would want it sent to all pages.
func (s *Kit) deviceCookie() string { return s.CookieName("device", false) }
