package shell

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// DeedText returns what an entry records.
func DeedText(ctx context.Context, e packaging.Entry) string {
	switch e.Deed {
	case packaging.ReleaseEnded:
		return text.Say(ctx, "deed.release_ended."+string(e.Outcome), "Count", int(e.Serials))
	case packaging.ReleaseSettled:
		return text.Say(ctx, "deed.release_settled."+string(e.Outcome), "New", e.New, "Why", e.Comment)
	case packaging.ReleaseRequested:
		if e.Comment != "" {
			return text.Say(ctx, "deed.release_requested.again", "Why", e.Comment)
		}
		return text.Say(ctx, "deed.release_requested")
	case packaging.QueueStarted:
		return text.Say(ctx, "deed.queue_started", "New", OrderID(e.New))
	case packaging.ListOdd:
		return text.Say(ctx, "deed.list_odd", "New", OdditiesText(ctx, e.New))
	case packaging.QueueEnded:
		return text.Say(ctx, "deed.queue_ended."+e.Reason)
	case packaging.ListAdded:
		var number int
		if _, err := fmt.Sscanf(e.Object, packaging.ReleaseNumbered, &number); err == nil {
			return text.Say(ctx, "deed.list_added.of_release", "Count", int(e.Serials), "Number", fmt.Sprint(number))
		}
		return text.Say(ctx, "deed.list_added", "Count", int(e.Serials))
	case packaging.AnswerKept:
		if e.New != string(packaging.Released) {
			return text.Say(ctx, "deed.answer_kept.no_list")
		}
		return text.Say(ctx, "deed.answer_kept", "Count", int(e.Serials))
	case packaging.AnswerDismissed:
		if e.New != string(packaging.Released) {
			return text.Say(ctx, "deed.answer_dismissed.no_list", "Why", e.Comment)
		}
		return text.Say(ctx, "deed.answer_dismissed", "Count", int(e.Serials), "Why", e.Comment)
	case packaging.PINSet, packaging.BadgeSet:
		return text.Say(ctx, "deed."+string(e.Deed)+"."+e.New, "Object", objectText(ctx, e))
	case packaging.Signed:
		meaning, rest, _ := strings.Cut(e.New, " · ")
		return text.Say(ctx, "deed.signed", "New", text.InOwnWords(ctx, "meaning.", meaning)+" · "+rest)
	case packaging.AlarmStarted, packaging.AlarmTaken, packaging.AlarmEnded, packaging.AlarmsSet,
		packaging.AlarmTested, packaging.AlarmUndelivered:
		return text.Say(ctx, "deed."+string(e.Deed), "What", objectText(ctx, e))
	case packaging.OrderLineSet, packaging.OrderLineBack:
		return text.Say(ctx, "deed."+string(e.Deed), "Old", LineWord(ctx, e.Old), "New", LineWord(ctx, e.New))
	case packaging.ValueGivenBack:
		field := ImportFieldText(ctx, packaging.ImportField(e.Object))
		return text.Say(ctx, "deed.value_given_back", "Object", field, "Old", e.Old, "New", OrNone(ctx, e.New))
	case packaging.ListStopped:
		return text.Say(
			ctx, "deed.list_stopped", "Object", e.Object, "Why", text.Say(ctx, "delivery.problem."+e.Reason),
		)
	case packaging.ListSent, packaging.ListCarried, packaging.DestinationStopped, packaging.DestinationRetired:
		return text.Say(ctx, "deed."+string(e.Deed), "Object", e.Object, "Why", e.Comment)
	case packaging.TenantSet, packaging.LineSet, packaging.PersonSet, packaging.DestinationSet,
		packaging.StationSet, packaging.RulesSet, packaging.ShiftsSet:
		return setText(ctx, e)
	}
	return text.Say(
		ctx, "deed."+string(e.Deed), "Object", objectText(ctx, e), "Old", detailText(ctx, e, e.Old),
		"New", detailText(ctx, e, e.New),
	)
}

// MessageText returns the raw answer that an entry has, or what was found instead of one.
func MessageText(ctx context.Context, e packaging.Entry) string {
	said, ok := packaging.SaysPendingTwice.Read(e.Message)
	if e.Deed != packaging.ReleaseSettled || !ok {
		return e.Message
	}
	return text.Say(
		ctx, "reason.still_pending", "Status", StatusMark(ctx, packaging.Status(said[0])).Word,
		"First", moment("").as(ctx, said[1]), "Second", moment("").as(ctx, said[2]),
	)
}

// setText returns what was set up.
func setText(ctx context.Context, e packaging.Entry) string {
	object, now := objectText(ctx, e), detailText(ctx, e, e.New)
	if e.Old == "" {
		return text.Say(ctx, "deed.added", "Object", object, "New", now)
	}
	return text.Say(ctx, "deed.changed", "Object", object, "Old", detailText(ctx, e, e.Old), "New", now)
}

// ImportFieldText returns the name of a field, as the pages of orders have it.
func ImportFieldText(ctx context.Context, f packaging.ImportField) string {
	switch f {
	case packaging.ColumnOrderID:
		return text.Say(ctx, "order.key")
	case packaging.ColumnExtra:
		return text.Say(ctx, "order.extra")
	case packaging.ColumnLine:
		return text.Say(ctx, "order.line")
	case packaging.ColumnProduct:
		return text.Say(ctx, "order.product")
	case packaging.ColumnGTIN:
		return text.Say(ctx, "order.gtin")
	case packaging.ColumnLot:
		return text.Say(ctx, "order.lot")
	case packaging.ColumnExpiry:
		return text.Say(ctx, "order.expiry")
	}
	return text.Say(ctx, "order.quantity")
}

// ReleaseReason returns why a release ended as it did.
func ReleaseReason(ctx context.Context, r packaging.Release) string {
	return text.Say(ctx, "reason."+string(r.Reason), "Status", StatusMark(ctx, r.Status).Word,
		"Person", r.SettledBy, "Why", r.SettledWhy, "Time", text.Moment(ctx, r.Settled),
		"First", text.Moment(ctx, r.FirstPending), "Second", text.Moment(ctx, r.SecondPending))
}

// ReasonText returns why a call ended as it did.
func ReasonText(ctx context.Context, reason packaging.Reason, status packaging.Status) string {
	return text.Say(ctx, "reason."+string(reason), "Status", StatusMark(ctx, status).Word)
}

// HistoryReason returns the reason of an entry: why a call ended so, or what prevented it. It may be empty.
func HistoryReason(ctx context.Context, e packaging.Entry) string {
	switch {
	case e.Reason == "":
		return ""
	case e.Deed == packaging.SignDeclined:
		return text.Say(ctx, "sign_declined."+e.Reason)
	case e.Deed == packaging.SignOnDeclined, e.Deed == packaging.SignOnTested:
		return text.Say(ctx, "sign_on."+e.Reason)
	case e.Deed == packaging.ReleaseDeclined:
		return text.Say(ctx, "declined."+e.Reason)
	case e.Deed == packaging.DestinationTried:
		return text.Say(ctx, "delivery.problem."+e.Reason)
	case packaging.Reason(e.Reason) == packaging.WrongStatus: // an entry does not say which
		return text.Say(ctx, "reason.wrong_status.then")
	case e.Deed == packaging.ListStopped, e.Deed == packaging.ReleaseSettled, e.Deed == packaging.ReleaseReopened, e.Deed == packaging.QueueEnded:
		return "" // the deed says it
	}
	return text.Say(ctx, "reason."+e.Reason, "Status", "")
}

// OddityText returns what is odd about a list.
func OddityText(ctx context.Context, odd packaging.Oddity, r packaging.Release) string {
	return text.Say(ctx, "oddity."+string(odd.Kind), "Count", int(odd.Count), "Expected", text.Number(ctx, r.Expected))
}

// OddityBrief is OddityText in a few words, where there are some.
func OddityBrief(ctx context.Context, odd packaging.Oddity, r packaging.Release) string {
	if slices.Contains(packaging.ListOddities, odd.Kind) {
		return text.Say(ctx, "oddity_short."+string(odd.Kind), "Count", int(odd.Count))
	}
	return OddityText(ctx, odd, r)
}

// OdditiesText returns what an entry of the history says of an odd list, in words. What it does not understand stays.
func OdditiesText(ctx context.Context, recorded string) string {
	parts := strings.Split(recorded, ", ")
	for i, part := range parts {
		kind, count, _ := strings.Cut(part, " ")
		n, err := strconv.Atoi(count)
		if err == nil && slices.Contains(packaging.ListOddities, packaging.OddityKind(kind)) {
			parts[i] = text.Say(ctx, "oddity_short."+kind, "Count", n)
		}
	}
	return strings.Join(parts, ", ")
}

// RoleText returns the name of a role, or of each of its parts.
func RoleText(ctx context.Context, role packaging.Role) string {
	var names []string
	for _, part := range role.Parts() {
		names = append(names, text.Say(ctx, "role."+string(part)))
	}
	return strings.Join(names, ", ")
}

// AuthorText returns who did something, and at which station.
func AuthorText(ctx context.Context, by packaging.Author) string {
	if by.ID == 0 && by.FullName == packaging.ProvisioningFile {
		return text.Say(ctx, "author.provisioning")
	}
	if by.Station == "" {
		return PersonName(by.FullName)
	}
	if by.FullName == "" {
		return by.Station
	}
	return text.Say(ctx, "author.at_station", "Person", PersonName(by.FullName), "Station", by.Station)
}

// LineName returns the name of a line, the code of one that is not set up here, or says that there is none.
func LineName(ctx context.Context, l packaging.Line) string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Code != "":
		return text.Say(ctx, "line.unknown", "Code", l.Code)
	}
	return text.Say(ctx, "line.none")
}

// OrNone returns s, or the sign for an empty value.
func OrNone(ctx context.Context, s string) string {
	if s == "" {
		return text.Say(ctx, "value.none")
	}
	return s
}

// LineWord returns the name of a line, or says that there is none.
func LineWord(ctx context.Context, name string) string {
	if name == "" {
		return text.Say(ctx, "line.none")
	}
	return name
}
