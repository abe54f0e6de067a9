// Package signin serves how people sign in: by password, at a station, or by their company's provider; and their
// account.
package signin

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/sso"
	"lineboard/internal/throttle"
	view "lineboard/views/signin"
)

// Server serves the pages to sign in on, and those of a person's account.
type Server struct {
	*web.Kit
	Store    Store
	Guard    Guard
	Provider Provider
	Demo     []view.DemoPerson // who can sign in by a press, in the demo
	attempts *loginAttempts
	// strangers limits how many passwords from unknown browsers are compared at once. Comparing takes the processor:
	// what strangers try must leave some of it to browsers in which people signed in before.
	strangers *semaphore.Weighted
}

const (
	strangersAtOnce = 2
	strangersWait   = 10 * time.Second // for those before them
)

// New makes a server of sign-ins.
func New(kit *web.Kit, store Store, guard Guard, provider Provider, demo []view.DemoPerson) *Server {
	return &Server{
		Kit: kit, Store: store, Guard: guard, Provider: provider, Demo: demo, attempts: newLoginAttempts(),
		strangers: semaphore.NewWeighted(strangersAtOnce),
	}
}

// Guard slows down who tries passwords.
type Guard interface {
	// Try returns how long to wait before a password may be looked at, 0 where it may be now.
	Try(username string, from throttle.Client) (wait time.Duration)
	// Wrong says that it was wrong; quiet holds where that needs no entry in the history.
	Wrong(ctx context.Context, username string, from throttle.Client) (quiet bool, err error)
	Right(ctx context.Context, username string, from throttle.Client) error
}

// Provider asks the providers that people sign in by.
type Provider interface {
	BeginLogin(
		ctx context.Context, s sso.Settings, redirect string, anew bool,
	) (to string, attempt sso.LoginAttempt, err error)
	FinishLogin(
		ctx context.Context, s sso.Settings, redirect string, attempt sso.LoginAttempt, a sso.Answer, anew time.Time,
	) (packaging.Identity, error)
	LogoutURL(ctx context.Context, s sso.Settings, back string) string
}
