package web

import (
	"context"
	"time"

	"lineboard/internal/packaging"
)

// Store is what every page needs: who reads it, and how fresh its orders are.
type Store interface {
	SessionStore
	DeviceMark(device []byte, username string) []byte
	DisplayOf(ctx context.Context, token [32]byte) (packaging.Display, error)
	DropHint(ctx context.Context, user packaging.UserID, hint string) error
	Freshness(ctx context.Context, tenant packaging.TenantID) (packaging.Freshness, error)
	HasLoss(ctx context.Context, tenant packaging.TenantID) (bool, error)
	Memberships(ctx context.Context, user packaging.UserID) ([]packaging.Person, error)
	PIN(ctx context.Context, tenant packaging.TenantID, user packaging.UserID) (packaging.Person, string, error)
	Proof(ctx context.Context, user packaging.UserID) (hash string, err error)
	Ready(ctx context.Context) error
	SetLanguage(ctx context.Context, user packaging.UserID, language string) error
	SetupSteps(ctx context.Context, tenant packaging.TenantID) (packaging.SetupSteps, error)
	StationOf(ctx context.Context, token [32]byte) (packaging.Station, error)
	StationUse(ctx context.Context, tenant packaging.TenantID, token [32]byte) (packaging.Use, error)
	TokenOf(ctx context.Context, hash [32]byte) (packaging.Token, packaging.Tenant, error)
	TouchToken(ctx context.Context, id packaging.TokenID) error
	TriedRight(ctx context.Context, tried []packaging.Tried) error
	Try(ctx context.Context, guesses ...packaging.Guess) (tried []packaging.Tried, wait time.Duration, err error)
	UseStation(ctx context.Context, token [32]byte) error
}
