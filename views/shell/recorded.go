package shell

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// The history has what was set up in words of its own, which never change. These are their forms, each with its
// sentence in the catalogue: of what was set, and of the parts of its values.
var (
	setObjects = []recordedForm{
		form(`user (.+)`, "admin.recorded.user"),
		form(`line (.+)`, "admin.recorded.line"),
		form(`tenant (.+)`, "admin.recorded.tenant"),
		form(`station (.+)`, "admin.recorded.station"),
		form(`language of station (.+)`, "admin.recorded.language"),
		form(`display (.+)`, "admin.recorded.display"),
		form(`session of (.+)`, "admin.recorded.session"),
		form(`secret of destination (.+)`, "admin.recorded.secret"),
		form(`shifts`, "admin.recorded.shifts"),
		form(`who signs a shift`, "admin.recorded.signing"),
		form(`end of credentials`, "admin.recorded.end"),
		form(`stations and signatures`, "admin.recorded.rules"),
		form(`confirmation of passwords`, "admin.recorded.confirmation"),
	}
	setRules = []recordedForm{
		form(`lock after (\S+)`, "admin.recorded.lock").as(lastingText),
		form(`releases signed by two people`, "admin.recorded.signed_by_two"),
		form(`releases signed`, "admin.recorded.signed"),
		form(`releases go on without an anchor`, "admin.recorded.unanchored"),
		form(`releases go on without the copy`, "admin.recorded.uncopied"),
		form(`by a second person`, "admin.recorded.second"),
		form(`waived: nobody else can`, "admin.recorded.waived"),
	}
	setSigning = []recordedForm{
		form(`anybody who may review`, "shifts.anybody"),
		form(`somebody who did nothing in the shift`, "shifts.other"),
	}
	setEnd = []recordedForm{
		form(`no end noted`, "admin.recorded.no_end"),
		form(`last day (\S+)`, "admin.recorded.last_day").as(text.Typed),
		form(`told (\d+) days before`, "admin.recorded.told"),
	}
	setPerson = []recordedForm{
		form(`no role here`, "admin.recorded.no_role"),
		form(`lines (.+)`, "admin.recorded.lines"),
		form(`same human as (.+)`, "human.same_as"),
		form(`not active`, "person.inactive"),
	}
	setLine  = []recordedForm{form(`retired`, "admin.recorded.retired")}
	setToken = []recordedForm{
		form(`dynamic token in (\S+)`, "admin.recorded.dynamic"),
		form(`static token in (\S+)`, "admin.recorded.static"),
	}
	setDisplay = []recordedForm{form(`all lines`, "admin.recorded.all_lines")}
	setLets    = []recordedForm{form(`lets through (\S+)`, "admin.recorded.lets").as(heldText)}
	setDelays  = []recordedForm{
		form(`late after (\S+)`, "admin.recorded.late").as(lastingText),
		form(`gives up after (\S+)`, "admin.recorded.gives_up").as(lastingText),
	}
	fromDay = regexp.MustCompile(`^from (\d{4}-\d{2}-\d{2}): `)
	onDays  = regexp.MustCompile(`(\d\d:\d\d) ([a-z ]+)(;|$)`)
)

// recordedForm is a form of words of the history, the key of what pages say for it, and how they say what it is about.
type recordedForm struct {
	form *regexp.Regexp
	key  string
	what func(ctx context.Context, recorded string) string
}

// form is one whose gap is what somebody typed: it stays as it is.
func form(words, key string) recordedForm {
	return recordedForm{regexp.MustCompile("^" + words + "$"), key, asTyped}
}

func (f recordedForm) as(what func(ctx context.Context, recorded string) string) recordedForm {
	f.what = what
	return f
}

func asTyped(_ context.Context, recorded string) string { return recorded }

func lastingText(ctx context.Context, recorded string) string {
	d, err := time.ParseDuration(recorded)
	if err != nil {
		return recorded
	}
	return text.Lasting(ctx, d)
}

func heldText(ctx context.Context, kind string) string { return ownWord(ctx, "held.", kind) }

// ownWord returns what pages say for a word of the program. What they have no word for stays.
func ownWord(ctx context.Context, prefix, word string) string {
	if text.Has(ctx, prefix+word) {
		return text.Say(ctx, prefix+word)
	}
	return word
}

// objectText returns how pages name what was set up. What it does not understand stays.
func objectText(ctx context.Context, recorded string) string {
	return said(ctx, setObjects, ownWord(ctx, "credential.", recorded))
}

// valueText returns what was set, as pages say it. Words of the program have their places: what people typed, as names
// and addresses, stays, whatever it says.
func valueText(ctx context.Context, e packaging.Entry, recorded string) string {
	switch {
	case e.Deed == packaging.ShiftsSet && e.Object == "shifts":
		return planText(ctx, recorded)
	case e.Deed == packaging.ShiftsSet:
		return said(ctx, setSigning, recorded)
	case e.Deed == packaging.RulesSet:
		return allSaid(ctx, setRules, recorded)
	case e.Deed == packaging.TenantSet && e.Object == "end of credentials":
		return allSaid(ctx, setEnd, recorded)
	case e.Deed == packaging.StationSet && strings.HasPrefix(e.Object, "display "):
		return said(ctx, setDisplay, recorded)
	}
	parts := strings.Split(recorded, " · ")
	sayParts(ctx, e.Deed, parts[1:])
	return strings.Join(parts, " · ")
}

// sayParts says the parts that follow a name.
func sayParts(ctx context.Context, deed packaging.Deed, parts []string) {
	last := len(parts) - 1
	for i, part := range parts {
		switch {
		case deed == packaging.PersonSet && i == 0 && packaging.Role(part).Known():
			parts[i] = RoleText(ctx, packaging.Role(part))
		case deed == packaging.PersonSet:
			parts[i] = said(ctx, setPerson, part)
		case deed == packaging.LineSet && i == last:
			parts[i] = said(ctx, setLine, part)
		case deed == packaging.TenantSet && i == last:
			parts[i] = said(ctx, setToken, part)
		case deed == packaging.DestinationSet && i == 0:
			parts[i] = ownWord(ctx, "destination.kind.", part)
		case deed == packaging.DestinationSet && i >= last-1:
			parts[i] = said(ctx, setDelays, part)
		case deed == packaging.DestinationSet && letsAll(parts[i:last-1]):
			parts[i] = said(ctx, setLets, part)
		}
	}
}

// letsAll says whether nothing but what a destination lets through is left, so that no user or address is taken for it.
func letsAll(parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !setLets[0].form.MatchString(part) })
}

func allSaid(ctx context.Context, forms []recordedForm, recorded string) string {
	parts := strings.Split(recorded, ", ")
	for i, part := range parts {
		parts[i] = said(ctx, forms, part)
	}
	return strings.Join(parts, ", ")
}

// said says what fits one of the forms.
func said(ctx context.Context, forms []recordedForm, recorded string) string {
	for _, f := range forms {
		found := f.form.FindStringSubmatch(recorded)
		if found == nil {
			continue
		}
		what := strings.Join(found[1:], "")
		n, _ := strconv.Atoi(what) // 0 where it is no number
		what = f.what(ctx, what)
		return text.Say(ctx, f.key, "What", what, "Accounts", what, "Count", n) // whichever gap the sentence has
	}
	return recorded
}

// planText returns a division into shifts: "from 2026-11-29: Early 06:00–14:00 mon tue; Late …".
func planText(ctx context.Context, recorded string) string {
	from := fromDay.FindStringSubmatch(recorded)
	if from == nil {
		return recorded
	}
	shifts := onDays.ReplaceAllStringFunc(recorded[len(from[0]):], func(on string) string {
		words := strings.Split(on, " ")
		for i, word := range words {
			if name := strings.TrimSuffix(word, ";"); text.Has(ctx, "weekday."+name) {
				words[i] = text.Say(ctx, "weekday."+name) + word[len(name):]
			}
		}
		return strings.Join(words, " ")
	})
	return text.Say(ctx, "admin.recorded.from", "What", DayText(ctx, packaging.Day(from[1]))) + ": " + shifts
}
