package history

import (
	"context"

	"lineboard/internal/packaging"
)

// Store is what these pages read and write.
type Store interface {
	EachEntry(
		ctx context.Context, in packaging.Scope, f packaging.HistoryFilter, do func(packaging.Entry) error,
	) error
	Entry(ctx context.Context, in packaging.Scope, seq int64) (e packaging.Entry, follows bool, err error)
	History(ctx context.Context, in packaging.Scope, f packaging.HistoryFilter) (packaging.HistoryPage, error)
	HistoryPeople(ctx context.Context, tenant packaging.TenantID) ([]packaging.Author, error)
	HistoryViews(ctx context.Context, p packaging.Person) ([]packaging.HistoryView, error)
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	NewEntries(ctx context.Context, in packaging.Scope, f packaging.HistoryFilter) (int, error)
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
	OrdersOfSerial(ctx context.Context, in packaging.Scope, serial string, limit int) ([]packaging.Order, error)
	Record(ctx context.Context, e packaging.Entry) error
	RemoveHistoryView(ctx context.Context, by packaging.Person, id int64) error
	Roster(ctx context.Context, in packaging.Scope) (packaging.Roster, error)
	SaveHistoryView(ctx context.Context, by packaging.Person, v packaging.HistoryView) error
}
