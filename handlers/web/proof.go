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

// proofOf names what is guessed at when somebody proves who they are. Tries at a name that nobody has count as well.
func proofOf(p packaging.Person) string {
	if p.ID == 0 {
		hash := sha256.Sum256([]byte(strings.ToLower(p.Username)))
		return "proof of nobody " + hex.EncodeToString(hash[:8])
	}
	return fmt.Sprintf("proof of %d", p.ID)
}

// Prove checks that a person is who they say, by password, or at a station by PIN where that is allowed. It returns
// what they proved it with. A wrong proof, one that comes too early, and a person without a password end in
// [Refused].
func (s *Kit) Prove(
	c echo.Context, p packaging.Person, typed secret.Text, allowed packaging.Factor,
) (by packaging.Factor, err error) {
	ctx := c.Request().Context()
	hash, err := s.store.Proof(ctx, p.ID)
	nobody := packaging.CodeOf(err) == packaging.NotFound
	if err != nil && !nobody {
		return by, err
	}
	pin := allowed == packaging.ByPIN && Station(c).Known() && packaging.IsPIN(typed.Reveal())
	if hash == "" && !nobody && !pin { // there is nothing to guess
		return by, &Refused{http.StatusUnprocessableEntity, "signing.no_password", []any{"Person", p.FullName}}
	}
	// Wrong tries count for the person who asks too, so that they lock nobody else out.
	what := fmt.Sprintf("%s asked by %d", proofOf(p), SignedIn(c).ID)
	tried, err := s.Try(c, packaging.Guess{What: what, Throttle: packaging.ThrottleSecret})
	if err != nil {
		return by, err
	}
	if pin {
		_, pinHash, err := s.store.PIN(ctx, p.Tenant.ID, p.ID)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return by, err
		}
		if secret.VerifyPassword(pinHash, typed) {
			return packaging.ByPIN, s.store.TriedRight(ctx, tried)
		}
	}
	if !secret.VerifyPassword(hash, typed) {
		return by, &Refused{Status: http.StatusUnauthorized, Key: "pin.wrong_password"}
	}
	return packaging.ByPassword, s.store.TriedRight(ctx, tried)
}

// Try counts a try at something that could be guessed. It ends in [Refused] where it is too early for one.
func (s *Kit) Try(c echo.Context, guesses ...packaging.Guess) ([]packaging.Tried, error) {
	ctx := c.Request().Context()
	tried, wait, err := s.store.Try(ctx, guesses...)
	if err != nil || wait == 0 {
		return tried, err
	}
	wait = wait.Truncate(time.Second) + time.Second
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(wait.Seconds())))
	return tried, &Refused{http.StatusTooManyRequests, "station.too_many", []any{"Time", text.Lasting(ctx, wait)}}
}
