package shell

import (
	"context"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// sentence is the key of what pages say for words of the history, and what its gaps say, in turn.
type sentence struct {
	key  string
	gaps []gap
}

// gap is what a gap of a sentence is called, and how what was recorded stands in it.
type gap struct {
	name string
	as   func(ctx context.Context, recorded string) any
}

func says(key string, gaps ...gap) sentence { return sentence{key, gaps} }

// what is a gap with what somebody typed: it stays as it is.
func what(name string) gap { return gap{name, asTyped} }

func asTyped(_ context.Context, recorded string) any { return recorded }

// count is a gap that picks the plural.
func count(name string) gap {
	return gap{name, func(_ context.Context, recorded string) any { n, _ := strconv.Atoi(recorded); return n }}
}

func number(name string) gap {
	return gap{name, func(ctx context.Context, recorded string) any {
		n, _ := strconv.Atoi(recorded)
		return text.Number(ctx, n)
	}}
}

func lasting(name string) gap {
	return gap{name, func(ctx context.Context, recorded string) any {
		d, err := time.ParseDuration(recorded)
		if err != nil {
			return recorded
		}
		return text.Lasting(ctx, d)
	}}
}

func moment(name string) gap {
	return gap{name, func(ctx context.Context, recorded string) any {
		at, err := time.Parse(time.RFC3339, recorded)
		if err != nil {
			return recorded
		}
		return text.Moment(ctx, at)
	}}
}

func word(name, prefix string) gap {
	return gap{name, func(ctx context.Context, recorded string) any { return ownWord(ctx, prefix, recorded) }}
}

// sentences are what pages say for each form of words of the history.
var sentences = map[packaging.Saying]sentence{
	packaging.SaysUser:            says("admin.recorded.user", what("What")),
	packaging.SaysUserAt:          says("admin.recorded.user_at", what("What"), what("Address")),
	packaging.SaysAddress:         says("admin.recorded.address", what("What")),
	packaging.SaysSigningPassword: says("admin.recorded.signing_password", what("What")),
	packaging.SaysLine:            says("admin.recorded.line", what("What")),
	packaging.SaysTenant:          says("admin.recorded.tenant", what("What")),
	packaging.SaysStation:         says("admin.recorded.station", what("What")),
	packaging.SaysStationLanguage: says("admin.recorded.language", what("What")),
	packaging.SaysDisplay:         says("admin.recorded.display", what("What")),
	packaging.SaysSession:         says("admin.recorded.session", what("What")),
	packaging.SaysSecret:          says("admin.recorded.secret", what("What")),
	packaging.SaysShifts:          says("admin.recorded.shifts"),
	packaging.SaysSigning:         says("admin.recorded.signing"),
	packaging.SaysEnd:             says("admin.recorded.end"),
	packaging.SaysRules:           says("admin.recorded.rules"),
	packaging.SaysConfirmation:    says("admin.recorded.confirmation"),
	packaging.SaysAlarmRule:       says("deed.alarms_set.rule", what("N")),
	packaging.SaysAlarm:           {}, // partText has it
	packaging.SaysRecipient:       says("deed.alarms_set.recipient", what("Name")),
	packaging.SaysAlarmSettings:   says("deed.alarms_set.settings"),
	packaging.SaysShift:           {}, // partText has it
	packaging.SaysExport:          {}, // partText has it
	packaging.SaysSchema:          says("admin.recorded.schema", what("What")),
	packaging.SaysEntry:           says("entry.title", number("Seq")),
	packaging.SaysStored:          says("admin.recorded.stored", what("What")),
	packaging.SaysJustTyped:       says("admin.recorded.just_typed", what("What")),
	packaging.SaysHistory:         says("admin.recorded.history", what("Key"), what("What")),
	packaging.SaysRecord:          {}, // partText has it
	packaging.SaysMoreRecords:     says("admin.recorded.more_records", count("Count")),

	packaging.SaysLock:            says("admin.recorded.lock", lasting("What")),
	packaging.SaysSignedByTwo:     says("admin.recorded.signed_by_two"),
	packaging.SaysSigned:          says("admin.recorded.signed"),
	packaging.SaysUnanchored:      says("admin.recorded.unanchored"),
	packaging.SaysUncopied:        says("admin.recorded.uncopied"),
	packaging.SaysBySecond:        says("admin.recorded.second"),
	packaging.SaysWaived:          says("admin.recorded.waived"),
	packaging.SaysAnybody:         says("shifts.anybody"),
	packaging.SaysOtherReviewer:   says("shifts.other"),
	packaging.SaysNoEnd:           says("admin.recorded.no_end"),
	packaging.SaysLastDay:         says("admin.recorded.last_day", gap{"What", typedDay}),
	packaging.SaysTold:            says("admin.recorded.told", count("Count")),
	packaging.SaysAllLines:        says("admin.recorded.all_lines"),
	packaging.SaysUntil:           says("admin.recorded.until", moment("What")),
	packaging.SaysItems:           says("handover.points", count("Count")),
	packaging.SaysAcknowledged:    says("handover.points_acknowledged", number("Acknowledged"), count("Count")),
	packaging.SaysContent:         says("admin.recorded.content", what("What")),
	packaging.SaysEntries:         says("report.entries", number("First"), number("Last"), count("Count"), what("Hash")),
	packaging.SaysHold:            says("verify.holds", number("Last")),
	packaging.SaysBroken:          {}, // partText has it
	packaging.SaysCompared:        says("verify.compared", count("Count")),
	packaging.SaysComparedMissing: says("admin.recorded.anchors_missing", count("Count"), number("Missing")),
	packaging.SaysClockBack:       says("verify.clock_back", count("Count"), number("First")),
	packaging.SaysRecordsDiffer:   says("admin.recorded.records_differ", count("Count"), what("What")),
	packaging.SaysSchemaDiffers:   says("admin.recorded.schema_differs", count("Count"), what("What")),
	packaging.SaysRestored:        says("verify.restored", moment("Date"), number("First"), number("Last")),
	packaging.SaysListsCompared:   says("admin.recorded.lists", number("Done"), number("All")),
	packaging.SaysListsStopped:    says("verify.lists.stopped"),
	packaging.SaysListsFailed:     says("verify.lists.failed"),
	packaging.SaysRecords:         says("admin.recorded.records", count("Count")),
	packaging.SaysChangedByHand:   says("admin.recorded.changed_by_hand"),
	packaging.SaysDeletedByHand:   says("admin.recorded.deleted_by_hand"),
	packaging.SaysAddedByHand:     says("admin.recorded.added_by_hand"),
	packaging.SaysFoundByHand:     says("admin.recorded.found_by_hand", count("Count"), what("What")),
	packaging.SaysWorks:           says("admin.recorded.works"),
	packaging.SaysWorksNot:        says("admin.recorded.works_not"),
	packaging.SaysWorksNotAt:      says("admin.recorded.works_not_at", word("What", "connection.step.")),
	packaging.SaysImported: says(
		"import.counts", number("New"), number("Changed"), number("Unchanged"), what("Digest"),
	),
	packaging.SaysImportedAsked: says(
		"admin.recorded.imported_asked", number("New"), number("Changed"), number("Unchanged"), what("Digest"),
		count("Count"),
	),
	packaging.SaysGivenBack: says(
		"admin.recorded.given_back", what("Import"), number("Values"), number("Withdrawn"), number("Kept"),
	),
	packaging.SaysAnotherHuman: says("admin.recorded.other_human", what("Person")),
	packaging.SaysTheSameHuman: says("human.same_as", what("Accounts")),
	packaging.SaysLost:         says("admin.recorded.lost", number("First"), number("Last")),
	packaging.SaysRequested:    says("admin.recorded.requested", moment("When"), what("Username"), what("Who")),

	packaging.SaysNoRole:    says("admin.recorded.no_role"),
	packaging.SaysLines:     says("admin.recorded.lines", what("What")),
	packaging.SaysSameHuman: says("human.same_as", what("Accounts")),
	packaging.SaysInactive:  says("person.inactive"),
	packaging.SaysRetired:   says("admin.recorded.retired"),
	packaging.SaysLets:      says("admin.recorded.lets", word("What", "held.")),
	packaging.SaysLate:      says("admin.recorded.late", lasting("What")),
	packaging.SaysGivesUp:   says("admin.recorded.gives_up", lasting("What")),
}

// wordsOf are the beginnings of the keys of words.
var wordsOf = map[packaging.WordKind]string{
	packaging.KindWord: "destination.kind.", packaging.FormatWord: "destination.format.",
	packaging.ScopeWord: "tokens.scope.", packaging.CredentialWord: "credential.",
}

func typedDay(ctx context.Context, recorded string) any { return text.Typed(ctx, recorded) }

// ownWord returns what pages say for a word of the program. What they have no word for stays.
func ownWord(ctx context.Context, prefix, word string) string {
	if text.Has(ctx, prefix+word) {
		return text.Say(ctx, prefix+word)
	}
	return word
}

// partText returns how pages say a part of an entry. What somebody typed stays, whatever it says.
func partText(ctx context.Context, p packaging.Part) string {
	switch {
	case p.Word == packaging.RoleWord:
		return RoleText(ctx, packaging.Role(p.Gaps[0]))
	case p.Word != "":
		return ownWord(ctx, wordsOf[p.Word], p.Gaps[0])
	case p.Saying == packaging.SaysToken:
		if p.Gaps[0] == "static" {
			return text.Say(ctx, "admin.recorded.static", "What", p.Gaps[1])
		}
		return text.Say(ctx, "admin.recorded.dynamic", "What", p.Gaps[1])
	case p.Saying == packaging.SaysShift:
		return p.Gaps[1] + ", " + DayText(ctx, packaging.Day(p.Gaps[0]))
	case p.Saying == packaging.SaysExport:
		return p.Gaps[0] + ", " + p.Gaps[2] + ", " + DayText(ctx, packaging.Day(p.Gaps[1]))
	case p.Saying == packaging.SaysAlarm:
		return ownWord(ctx, "alarm.kind_", p.Gaps[0])
	case p.Saying == packaging.SaysRecord:
		noun := packaging.RecordFault{Record: p.Gaps[0]}.Noun()
		return text.Say(ctx, "record."+noun) + " (" + p.Gaps[0] + " " + p.Gaps[1] + ")"
	case p.Saying == packaging.SaysBroken:
		return brokenText(ctx, p.Gaps)
	case p.Saying == "":
		return p.Gaps[0]
	}
	s := sentences[p.Saying]
	var gaps []any
	for i, g := range s.gaps {
		gaps = append(gaps, g.name, g.as(ctx, p.Gaps[i]))
	}
	return text.Say(ctx, s.key, gaps...)
}

// brokenText returns how a history was found broken: in which way, from which entry to which.
func brokenText(ctx context.Context, gaps []string) string {
	from, _ := strconv.Atoi(gaps[1])
	until, _ := strconv.Atoi(gaps[2])
	said := []any{"Seq", text.Number(ctx, from), "Until", text.Number(ctx, until)}
	if n := until - from + 1; n > 0 {
		said = append(said, "Count", n)
	}
	return text.Say(ctx, "verify."+gaps[0], said...)
}

// objectText returns how pages name what an entry is about.
func objectText(ctx context.Context, e packaging.Entry) string { return partText(ctx, e.About()) }

// detailText returns what the entry has of before or after, as pages say it.
func detailText(ctx context.Context, e packaging.Entry, recorded string) string {
	if plan, ok := packaging.ReadPlan(recorded); ok && e.Deed == packaging.ShiftsSet {
		return planText(ctx, plan)
	}
	parts, between := e.Details(recorded)
	said := make([]string, len(parts))
	for i, p := range parts {
		said[i] = partText(ctx, p)
	}
	if e.Deed == packaging.HistoryVerified || e.Deed == packaging.ShiftReviewed { // its parts are sentences
		between = " "
	}
	return strings.Join(said, between)
}

// planText returns a division into shifts.
func planText(ctx context.Context, p packaging.Plan) string {
	shifts := make([]string, len(p.Shifts))
	for i, s := range p.Shifts {
		said := []string{s.Name, s.Start.String() + "–" + s.End.String()}
		for _, day := range strings.Fields(s.Days.String()) {
			said = append(said, text.Say(ctx, "weekday."+day))
		}
		shifts[i] = strings.Join(said, " ")
	}
	return text.Say(ctx, "admin.recorded.from", "What", DayText(ctx, p.From)) + ": " + strings.Join(shifts, "; ")
}
