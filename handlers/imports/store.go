package imports

import (
	"context"
	"time"

	"lineboard/internal/packaging"
)

// Store is what these pages read and write.
type Store interface {
	CheckImport(
		ctx context.Context, by packaging.Person, ask packaging.ImportRequest, see func(packaging.ImportedOrder),
	) (packaging.ImportSum, error)
	GiveImportBack(
		ctx context.Context, by packaging.Person, id packaging.ImportID, why string,
	) (packaging.GivenBack, error)
	Import(ctx context.Context, by packaging.Person, ask packaging.ImportRequest) (packaging.Import, error)
	ImportOf(ctx context.Context, in packaging.Scope, id packaging.ImportID) (packaging.Import, error)
	ImportedOrders(
		ctx context.Context, in packaging.Scope, id packaging.ImportID, after packaging.OrderID, limit int,
	) (packaging.ImportedPage, error)
	Imports(ctx context.Context, in packaging.Scope, limit int) ([]packaging.Import, error)
	KeepPreview(
		ctx context.Context, p packaging.Person, f packaging.ImportFile, lasting time.Duration,
	) (packaging.PreviewID, error)
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	Preview(ctx context.Context, p packaging.Person, id packaging.PreviewID) (packaging.ImportFile, error)
	Record(ctx context.Context, e packaging.Entry) error
	SearchOrders(ctx context.Context, in packaging.Scope, f packaging.OrderFilter) (packaging.OrderPage, error)
}
