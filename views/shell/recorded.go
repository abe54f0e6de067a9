package shell

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// The history has what was set up in words of its own, which never change. These are their forms, each with its sentence
// in the catalogue: of what was set, and of the parts of its values.
var (
	setObjects = []recordedForm{
		{regexp.MustCompile(`^user (.+)$`), "admin.recorded.user"},
		{regexp.MustCompile(`^line (.+)$`), "admin.recorded.line"},
		{regexp.MustCompile(`^tenant (.+)$`), "admin.recorded.tenant"},
		{regexp.MustCompile(`^station (.+)$`), "admin.recorded.station"},
		{regexp.MustCompile(`^display (.+)$`), "admin.recorded.display"},
		{regexp.MustCompile(`^session of (.+)$`), "admin.recorded.session"},
		{regexp.MustCompile(`^shifts$`), "admin.recorded.shifts"},
		{regexp.MustCompile(`^end of credentials$`), "admin.recorded.end"},
		{regexp.MustCompile(`^stations and signatures$`), "admin.recorded.rules"},
	}
	setValues = []recordedForm{
		{regexp.MustCompile(`^retired$`), "admin.recorded.retired"},
		{regexp.MustCompile(`^late after (\S+)$`), "admin.recorded.late"},
		{regexp.MustCompile(`^gives up after (\S+)$`), "admin.recorded.gives_up"},
		{regexp.MustCompile(`^lets through (\S+)$`), "admin.recorded.lets"},
		{regexp.MustCompile(`^dynamic token in (\S+)$`), "admin.recorded.dynamic"},
		{regexp.MustCompile(`^static token in (\S+)$`), "admin.recorded.static"},
		{regexp.MustCompile(`^no end noted$`), "admin.recorded.no_end"},
		{regexp.MustCompile(`^last day (\S+)$`), "admin.recorded.last_day"},
		{regexp.MustCompile(`^told (\d+) days before$`), "admin.recorded.told"},
		{regexp.MustCompile(`^lock after (\S+)$`), "admin.recorded.lock"},
		{regexp.MustCompile(`^releases signed by two people$`), "admin.recorded.signed_by_two"},
		{regexp.MustCompile(`^releases signed$`), "admin.recorded.signed"},
		{regexp.MustCompile(`^releases go on without an anchor$`), "admin.recorded.unanchored"},
		{regexp.MustCompile(`^releases go on without the copy$`), "admin.recorded.uncopied"},
	}
	fromDay = regexp.MustCompile(`^from (\d{4}-\d{2}-\d{2}): `)
	onDays  = regexp.MustCompile(`(\d\d:\d\d) ([a-z ]+)(;|$)`)
)

// recordedForm is a form of words of the history, and the key of what pages say for it.
type recordedForm struct {
	form *regexp.Regexp
	key  string
}

// objectText returns how pages name what was set up. What it does not understand stays.
func objectText(ctx context.Context, recorded string) string {
	if text.Has(ctx, "credential."+recorded) {
		return text.Say(ctx, "credential."+recorded)
	}
	return said(ctx, setObjects, recorded)
}

// valueText returns what was set, as pages say it. What begins with a name has it as it is.
func valueText(ctx context.Context, object, recorded string) string {
	switch object {
	case "shifts":
		return planText(ctx, recorded)
	case "end of credentials", "stations and signatures":
		return partsText(ctx, recorded, ", ")
	}
	name, rest, found := strings.Cut(recorded, " · ")
	if !found {
		return recorded
	}
	return name + " · " + partsText(ctx, rest, " · ")
}

func partsText(ctx context.Context, recorded, between string) string {
	parts := strings.Split(recorded, between)
	for i, part := range parts {
		switch {
		case text.Has(ctx, "role."+part):
			parts[i] = text.Say(ctx, "role."+part)
		case text.Has(ctx, "destination.kind."+part):
			parts[i] = text.Say(ctx, "destination.kind."+part)
		default:
			parts[i] = said(ctx, setValues, part)
		}
	}
	return strings.Join(parts, between)
}

// said says what fits one of the forms.
func said(ctx context.Context, forms []recordedForm, recorded string) string {
	for _, f := range forms {
		found := f.form.FindStringSubmatch(recorded)
		if found == nil {
			continue
		}
		what := strings.Join(found[1:], "")
		if d, err := time.ParseDuration(what); err == nil {
			what = text.Lasting(ctx, d)
		} else if text.Has(ctx, "held."+what) {
			what = text.Say(ctx, "held."+what)
		}
		n, _ := strconv.Atoi(what) // 0 where it is no number
		return text.Say(ctx, f.key, "What", text.Typed(ctx, what), "Count", n)
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
