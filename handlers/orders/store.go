package orders

import (
	"context"
	"time"

	"lineboard/internal/packaging"
)

// Store is what these pages read and write.
type Store interface {
	Acknowledge(
		ctx context.Context, by packaging.Person, id packaging.OrderID, release packaging.ReleaseID, comment string,
	) error
	AcknowledgeAll(ctx context.Context, by packaging.Person, results []packaging.ResultSeen) error
	AddList(
		ctx context.Context, by packaging.Person, id packaging.OrderID, number int, kept packaging.KeptAnswerID,
		serials []string,
	) error
	AdoptLine(ctx context.Context, by packaging.Person, code, name string) (packaging.Line, error)
	CarryDelivery(ctx context.Context, by packaging.Person, id packaging.DeliveryID, why string) error
	CountOrders(ctx context.Context, in packaging.Scope, f packaging.OrderFilter) ([]packaging.StatusCount, error)
	Credential(ctx context.Context, username string) (packaging.UserID, string, error)
	DiscardQueue(ctx context.Context, by packaging.Person, line packaging.LineID, id packaging.QueueID) error
	EarlierReleases(ctx context.Context, in packaging.Scope, id packaging.OrderID) ([]packaging.Release, error)
	EachSerial(
		ctx context.Context, in packaging.Scope, list packaging.ListID, do func(packaging.Serial) error,
	) error
	FindPacks(ctx context.Context, in packaging.Scope, packs []packaging.PackID) ([]packaging.PackFound, error)
	FindRepeats(
		ctx context.Context, in packaging.Scope, list packaging.ListID, serials []string,
	) (map[string]packaging.OrderID, error)
	FindSerials(
		ctx context.Context, in packaging.Scope, list packaging.ListID, text string, after int64, limit int,
	) ([]packaging.Serial, error)
	ImportedFactsOf(
		ctx context.Context, in packaging.Scope, ids []packaging.OrderID,
	) (map[packaging.OrderID][]packaging.ImportedFact, error)
	GiveValueBack(
		ctx context.Context, by packaging.Person, id packaging.OrderID, field packaging.ImportField, was, why string,
	) error
	DismissKept(
		ctx context.Context, by packaging.Person, id packaging.KeptAnswerID, why string,
	) (packaging.OrderID, error)
	KeptSerials(
		ctx context.Context, in packaging.Scope, id packaging.OrderID, kept packaging.KeptAnswerID,
	) ([]string, error)
	Lanes(ctx context.Context, in packaging.Scope) ([]packaging.Lane, error)
	LastingAlarms(ctx context.Context, in packaging.Scope) ([]packaging.Alarm, error)
	LateDeliveries(ctx context.Context, in packaging.Scope) ([]packaging.Delivery, error)
	Line(ctx context.Context, in packaging.Scope, code string) (packaging.Line, error)
	LineNotes(
		ctx context.Context, in packaging.Scope, line packaging.LineID, since time.Time, limit int,
	) ([]packaging.Note, error)
	LineOrders(ctx context.Context, in packaging.Scope, line packaging.LineID, limit int) ([]packaging.Order, error)
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	Memberships(ctx context.Context, user packaging.UserID) ([]packaging.Person, error)
	Note(ctx context.Context, in packaging.Scope, id packaging.NoteID) (packaging.Note, error)
	NoteLine(ctx context.Context, by packaging.Person, line packaging.Line, words string) error
	NoteOrder(ctx context.Context, by packaging.Person, id packaging.OrderID, words string) error
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
	OrderOfRelease(
		ctx context.Context, in packaging.Scope, id packaging.OrderID, number int,
	) (packaging.Order, error)
	OrderView(
		ctx context.Context, viewer packaging.Person, id packaging.OrderID, limits packaging.OrderViewLimits,
	) (packaging.OrderView, error)
	OrdersOfSerial(
		ctx context.Context, in packaging.Scope, serial string, limit int,
	) ([]packaging.Order, error)
	OtherStatuses(ctx context.Context, in packaging.Scope) ([]packaging.Status, error)
	Proof(ctx context.Context, user packaging.UserID) (hash string, err error)
	Queue(ctx context.Context, in packaging.Scope, line packaging.LineID) (packaging.Queue, error)
	Record(ctx context.Context, e packaging.Entry) error
	Rules(ctx context.Context, tenant packaging.TenantID) (packaging.Rules, error)
	SearchOrders(ctx context.Context, in packaging.Scope, f packaging.OrderFilter) (packaging.OrderPage, error)
	SendDelivery(ctx context.Context, by packaging.Person, id packaging.DeliveryID, why string) error
	SendList(
		ctx context.Context, by packaging.Person, id packaging.OrderID, to packaging.DestinationID, why string,
	) error
	Serials(
		ctx context.Context, in packaging.Scope, list packaging.ListID, after int64, limit int,
	) ([]packaging.Serial, error)
	TakeAlarm(ctx context.Context, by packaging.Person, id packaging.AlarmID) error
	SettleByWord(ctx context.Context, by packaging.Person, w packaging.Word) error
	SetOrderLine(ctx context.Context, by packaging.Person, id packaging.OrderID, was, line packaging.LineID) error
	SetStationKeyboard(
		ctx context.Context, by packaging.Person, id packaging.StationID, keyboard string,
	) error
	ShowSerial(ctx context.Context, by packaging.Person, list packaging.ListID, place int64) error
	ShownPlace(ctx context.Context, in packaging.Scope, list packaging.ListID) (int64, error)
	Signatures(
		ctx context.Context, tenant packaging.TenantID, kind string, object int64,
	) ([]packaging.Signature, error)
	Tenant(ctx context.Context, id packaging.TenantID) (packaging.Tenant, error)
	Troubles(ctx context.Context, in packaging.Scope) ([]packaging.Order, error)
	UnknownLines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	WithdrawOrder(ctx context.Context, by packaging.Person, id packaging.OrderID, why string) error
	WithdrawNote(ctx context.Context, by packaging.Person, id packaging.NoteID, why string) error
}
