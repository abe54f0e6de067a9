package signin

import (
	"context"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Store is what these pages read and write.
type Store interface {
	BadgeOwner(ctx context.Context, tenant packaging.TenantID, badges []secret.Text) (packaging.Person, error)
	BindDisplay(ctx context.Context, code string, token [32]byte, address string) (packaging.Display, error)
	BindStation(ctx context.Context, code string, token [32]byte, address string) (packaging.Station, error)
	ChangePassword(ctx context.Context, by packaging.Person, was, hash string, but [32]byte) error
	Colleagues(ctx context.Context, s packaging.Station) ([]packaging.Colleague, error)
	ConnectIdentity(ctx context.Context, by packaging.Person, id packaging.Identity) error
	Credential(ctx context.Context, username string) (packaging.UserID, string, error)
	DisconnectIdentity(ctx context.Context, by packaging.Person) error
	EndOwnSession(ctx context.Context, by packaging.Person, id string) error
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	LockStation(ctx context.Context, by packaging.Person, token [32]byte) error
	MayConnect(ctx context.Context, by packaging.Person) error
	Memberships(ctx context.Context, user packaging.UserID) ([]packaging.Person, error)
	OwnSessions(ctx context.Context, user packaging.UserID, started, seen time.Time) ([]packaging.Session, error)
	PIN(ctx context.Context, tenant packaging.TenantID, user packaging.UserID) (packaging.Person, string, error)
	Record(ctx context.Context, e packaging.Entry) error
	RecordFailedSignIn(ctx context.Context, user packaging.UserID, address string) error
	BadgeToConfirm(
		ctx context.Context, tenant packaging.TenantID, user packaging.UserID,
	) (setBy, shown string, err error)
	ConfirmBadge(ctx context.Context, by packaging.Person, shown string) error
	OlderPassword(ctx context.Context, user packaging.UserID) (hash string, err error)
	Confirmations(ctx context.Context, viewer packaging.Person) (packaging.Confirmations, error)
	ConfirmOwnPassword(ctx context.Context, by packaging.Person) error
	ConfirmPassword(ctx context.Context, by packaging.Person, user packaging.UserID, shown string) error
	WaiveConfirmation(ctx context.Context, by packaging.Person, waive bool) error
	SetBadge(ctx context.Context, by packaging.Person, user packaging.UserID, badge secret.Text) error
	SetPIN(ctx context.Context, by packaging.Person, hash string) error
	SetSigningPassword(ctx context.Context, by packaging.Person, id packaging.Identity, hash string) error
	SignInBy(ctx context.Context, tenant packaging.Tenant, id packaging.Identity) (packaging.Person, error)
	SignOnAccount(ctx context.Context, p packaging.Person) (packaging.SignOnAccount, error)
	SignOns(ctx context.Context) ([]packaging.SignOn, error)
	SingleSignOn(
		ctx context.Context, tenant packaging.TenantID,
	) (packaging.SingleSignOn, secret.Text, packaging.CredentialState, error)
	StationFactors(
		ctx context.Context, tenant packaging.TenantID, user packaging.UserID,
	) (pin, badge bool, err error)
	Tenant(ctx context.Context, id packaging.TenantID) (packaging.Tenant, error)
	TriedRight(ctx context.Context, tried []packaging.Tried) error
	UnbindStation(ctx context.Context, by packaging.Person, id packaging.StationID) error
}
