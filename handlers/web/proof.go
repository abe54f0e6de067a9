package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
)

// proofOf names what is tried where somebody proves who they are. A name that nobody has is tried as often as anybody's.
func proofOf(p packaging.Person) string {
	if p.ID == 0 {
		hash := sha256.Sum256([]byte(strings.ToLower(p.Username)))
		return "proof of nobody " + hex.EncodeToString(hash[:8])
	}
	return fmt.Sprintf("proof of %d", p.ID)
}

// Prove has a person prove that it is them, by password, or at a station by PIN where that is allowed.
func (s *Kit) Prove(c echo.Context, p packaging.Person, typed secret.Text, allowed packaging.Factor) (by packaging.Factor, r Refusal, err error) {
	ctx := c.Request().Context()
	hash, err := s.Store.Proof(ctx, p.ID)
	nobody := packaging.CodeOf(err) == packaging.NotFound
	if err != nil && !nobody {
		return by, r, err
	}
	pin := allowed == packaging.ByPIN && Station(c).Known() && packaging.IsPIN(typed.Reveal())
	if hash == "" && !nobody && !pin { // there is nothing to guess
		return by, Refusal{http.StatusUnprocessableEntity, text.Say(c.Request().Context(), "signing.no_password", "Person", p.FullName)}, nil
	}
	// Whoever asks in vain for the proof of another keeps themselves from it, and nobody else.
	what := fmt.Sprintf("%s asked by %d", proofOf(p), SignedIn(c).ID)
	tried, r, err := s.Try(c, packaging.Guess{What: what, Throttle: packaging.ThrottleSecret})
	if err != nil || r.Status != 0 {
		return by, r, err
	}
	if pin {
		_, hash, err := s.Store.PIN(ctx, p.Tenant.ID, p.ID)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return by, r, err
		}
		if secret.VerifyPassword(hash, typed) {
			return packaging.ByPIN, r, s.Store.TriedRight(ctx, tried)
		}
	}
	if !secret.VerifyPassword(hash, typed) {
		return by, Refusal{http.StatusUnauthorized, text.Say(c.Request().Context(), "pin.wrong_password")}, nil
	}
	return packaging.ByPassword, r, s.Store.TriedRight(ctx, tried)
}

// Refusal is why somebody was not let in, with its HTTP status; that is 0 where they were.
type Refusal struct {
	Status int
	Why    string
}

// Try counts a try at something that could be guessed, and refuses it where it is too early for one.
func (s *Kit) Try(c echo.Context, guesses ...packaging.Guess) (tried []packaging.Tried, r Refusal, err error) {
	tried, wait, err := s.Store.Try(c.Request().Context(), guesses...)
	if err != nil || wait == 0 {
		return tried, r, err
	}
	wait = wait.Truncate(time.Second) + time.Second
	c.Response().Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	return tried, Refusal{http.StatusTooManyRequests, text.Say(c.Request().Context(), "station.too_many", "Time", text.Lasting(c.Request().Context(), wait))}, nil
}
