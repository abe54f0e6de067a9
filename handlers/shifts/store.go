package shifts

import (
	"context"

	"lineboard/internal/packaging"
)

// Store is what these pages read and write.
type Store interface {
	Activities(ctx context.Context, in packaging.Scope, periods []packaging.Period) ([]packaging.Activity, error)
	AcknowledgeItems(ctx context.Context, by packaging.Person, o packaging.Occurrence, places []int) error
	HandOver(
		ctx context.Context, by packaging.Person, o packaging.Occurrence, remarks string, shown [32]byte,
		s packaging.Signature,
	) error
	Handover(ctx context.Context, in packaging.Scope, o packaging.Occurrence) (packaging.Handover, error)
	Handovers(ctx context.Context, in packaging.Scope, from, to packaging.Day) ([]packaging.Handover, error)
	LatestReviews(ctx context.Context, in packaging.Scope, from, to packaging.Day) ([]packaging.Review, error)
	LeftHandovers(ctx context.Context, in packaging.Scope) ([]packaging.Handover, error)
	OpenItems(ctx context.Context, in packaging.Scope, o packaging.Occurrence) ([]packaging.HandoverItem, error)
	OtherReviewer(ctx context.Context, in packaging.Scope) (bool, error)
	Record(ctx context.Context, e packaging.Entry) error
	Reviews(ctx context.Context, in packaging.Scope, o packaging.Occurrence) ([]packaging.Review, error)
	Roster(ctx context.Context, in packaging.Scope) (packaging.Roster, error)
	ShiftReport(ctx context.Context, in packaging.Scope, o packaging.Occurrence) (packaging.ShiftReport, error)
	ShiftSignatures(
		ctx context.Context, in packaging.Scope, o packaging.Occurrence,
	) ([]packaging.ReportedSignature, error)
	SignShift(
		ctx context.Context, by packaging.Person, o packaging.Occurrence, comment string, shown [32]byte,
		s packaging.Signature,
	) error
	Signatures(
		ctx context.Context, tenant packaging.TenantID, kind string, object int64,
	) ([]packaging.Signature, error)
	StillOpen(
		ctx context.Context, in packaging.Scope, report packaging.ShiftReport,
	) ([]packaging.HandoverItem, error)
	TakeOver(
		ctx context.Context, by packaging.Person, o packaging.Occurrence, places []int, remarks string,
		shown [32]byte, s packaging.Signature,
	) error
	Trends(ctx context.Context, in packaging.Scope, trends []packaging.Trend) error
}
