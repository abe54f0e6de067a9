package text_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
	"lineboard/internal/text"
	"lineboard/views/shell"
	"lineboard/views/shifts"
)

// sources are all Go and templ files that say something to people.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{
		"../../views/*/*.templ", "../../views/*/*.go", "../../handlers/*.go", "../../handlers/*/*.go", "../../db/*.go",
		"../../internal/release/*.go", "../../internal/packaging/*.go", "../../internal/orderfile/*.go",
		"../../internal/secret/*.go", "../../internal/reserve/*.go", "../../internal/alarms/*.go",
		"../../internal/doctor/*.go", "../../internal/app/*.go", "../../internal/deliver/*.go",
		"../../internal/replica/*.go",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_templ.go") || strings.HasSuffix(file, "_test.go") {
				continue
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(content)
		}
	}
	return all.String()
}

// usedKeys returns the keys that the program can use: those in its source, and those made of a domain's values.
func usedKeys(t *testing.T) map[string]bool {
	keys := map[string]bool{}
	source := sources(t)
	for _, m := range regexp.MustCompile(
		`\b(?:t|text\.Say)\(\s*\w+(?:\(\w*\)|\.\w+\(\)\.\w+\(\))?,\s*"([a-z_.]+)"[,)]`,
	).FindAllStringSubmatch(source, -1) {
		keys[m[1]] = true
	}
	for _, m := range regexp.MustCompile(
		`"((?:account|confirm|login|list|queue|admin|acknowledge|station|stations|displays|pin|signing|import|tokens|entry|set_line|shifts|handover|review|report|settle|words|doctor|alarms|destination|delivery)(?:\.[a-z0-9_]+)+)"`,
	).FindAllStringSubmatch(source, -1) {
		keys[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`\bsays\(\s*"([a-z_.]+)"`).FindAllStringSubmatch(source, -1) {
		keys[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`"(error\.[a-z_]+)"`).FindAllStringSubmatch(source, -1) {
		if m[1] != "error.sign_in" { // answered with the sign-in page
			keys[m[1]], keys[m[1]+".do"] = true, true
		}
	}
	for _, m := range regexp.MustCompile(`"(api\.[a-z_]+)"`).FindAllStringSubmatch(source, -1) {
		keys[m[1]] = true
	}
	for _, kind := range packaging.DestinationKinds {
		keys["destination.kind."+string(kind)], keys["destination.kind."+string(kind)+".how"] = true, true
	}
	for _, format := range packaging.ListFormats {
		keys["destination.format."+string(format)] = true
	}
	for _, kind := range append(
		[]packaging.HeldKind{packaging.HeldKind(packaging.HoldsSecret)}, packaging.HeldKinds...,
	) {
		keys["held."+string(kind)] = true
	}
	for _, state := range packaging.DeliveryStates {
		keys["delivery.state."+string(state)] = true
	}
	for _, fault := range packaging.TemplateFaults {
		keys["destination.fault."+fault] = true
	}
	for _, problem := range packaging.DeliveryProblems {
		keys["delivery.problem."+string(problem)] = true
	}
	for _, scope := range packaging.TokenScopes {
		keys["tokens.scope."+string(scope)] = true
	}
	for _, r := range packaging.Roles {
		keys["role."+string(r)], keys["role.may."+string(r)] = true, true
	}
	for _, s := range packaging.TestSteps {
		keys["connection.step."+string(s)] = true
	}
	for _, f := range packaging.OrderFields {
		keys["field."+string(f)] = true
	}
	for _, c := range packaging.RecordedCredentials {
		keys["credential."+c] = true
	}
	for _, kind := range []string{"dynamic", "static"} {
		keys["connection."+kind] = true
	}
	// What an administrator does where others are told to ask one.
	for _, r := range []string{
		"no_token", "token_rejected", "channel_key", "sign_in_rejected", "sign_in_failed", "not_configured",
		"not_connected",
		"timed_out", "cut", "server_error", "unreadable", "other_refusal",
	} {
		keys["connection.do."+r] = true
	}
	for _, e := range []packaging.Environment{
		packaging.Production, packaging.Acceptance, packaging.Sandbox, packaging.OtherHost,
	} {
		keys["environment."+string(e)] = true
	}
	for _, hint := range shell.Hints {
		keys["hint."+hint] = true
	}
	for _, topic := range []string{
		"open", "pending", "in_progress", "suspended", "done", "gone", "other", "sending", "released", "refused",
		"said_pending", "said_released", "said_not_released", "not_knowable", "set_back", "unknown", "odd",
	} {
		keys["help.topic."+topic] = true
	}
	for _, o := range packaging.Outcomes {
		keys["outcome."+string(o)] = true
	}
	keys["settle.not_open.do"], keys["settle.seen_running.do"] = true, true // beside a form
	for _, r := range packaging.Rulings {
		keys["settle."+string(r)] = true
	}
	for _, r := range reasons(t) {
		keys["reason."+r], keys["reason."+r+".do"] = true, true
	}
	for _, o := range obstacles(t) {
		keys["obstacle."+o], keys["declined."+o] = true, true
		if o != "not_pending" {
			keys["obstacle."+o+".do"] = true
		}
	}
	keys["obstacle.order_changed"], keys["declined.order_changed"] = true, true
	keys["obstacle.signature_missing"], keys["declined.signature_missing"] = true, true
	for _, m := range slices.Concat(packaging.Meanings[1], packaging.Meanings[2]) {
		keys["meaning."+string(m)] = true
	}
	for _, why := range []string{"wrong", "wrong_second", "same_person", "may_not"} {
		keys["sign_declined."+why] = true
	}
	keys["obstacle.list_not_missing"], keys["obstacle.list_not_missing.do"] = true, true
	for _, s := range []string{"open", "in_progress", "suspended", "done", "other"} {
		keys["obstacle.not_pending."+s], keys["obstacle.not_pending."+s+".do"] = true, true
	}
	for _, k := range packaging.BreakKinds {
		keys["verify."+string(k)] = true
	}
	for _, k := range packaging.FaultKinds {
		keys["verify.record."+string(k)], keys["verify.schema."+string(k)] = true, true
		keys["verify.by_hand."+string(k)] = true
	}
	keys["verify.record."+string(packaging.FaultHidden)], keys["record.index"] = true, true
	for turn := range packaging.WriterTurns {
		keys[fmt.Sprint("data.writer.turn.", turn)] = true
	}
	for _, noun := range packaging.RecordNouns {
		keys["record."+noun], keys["record.other"] = true, true
	}
	for _, r := range packaging.SignOnReasons {
		keys["sign_on."+string(r)], keys["sign_on."+string(r)+".do"] = true, true
	}
	for _, r := range []packaging.SignOnReason{
		packaging.SignOnDown, packaging.SignOnNoOpenID, packaging.SignOnElsewhere,
	} {
		keys["sso.do."+string(r)] = true // that a test can end with
	}
	for _, d := range packaging.Deeds {
		keys["deed_name."+string(d)] = true
		switch d {
		case packaging.ReleaseEnded:
			for _, o := range []packaging.Outcome{packaging.Released, packaging.Refused, packaging.Unknown} {
				keys["deed.release_ended."+string(o)] = true
			}
		case packaging.QueueEnded:
			for _, why := range packaging.QueueStops {
				keys["deed.queue_ended."+string(why)], keys["queue.ended."+string(why)] = true, true
			}
		case packaging.ReleaseSettled:
			for _, o := range []packaging.Outcome{
				packaging.Released, packaging.Refused, packaging.SaidPending, packaging.SaidReleased,
				packaging.SaidNotReleased, packaging.NotKnowable,
			} {
				keys["deed.release_settled."+string(o)] = true
			}
		case packaging.ReleaseRequested:
			keys["deed."+string(d)], keys["deed."+string(d)+".again"] = true, true
		case packaging.PINSet, packaging.BadgeSet:
			keys["deed."+string(d)+".set"], keys["deed."+string(d)+".none"] = true, true
		case packaging.TenantSet, packaging.LineSet, packaging.PersonSet, packaging.StationSet, packaging.DestinationSet, packaging.RulesSet, packaging.ShiftsSet:
			keys["deed.added"], keys["deed.changed"] = true, true
		default:
			keys["deed."+string(d)] = true
		}
	}
	for _, f := range packaging.ImportFields {
		keys["import.column."+string(f)] = true
	}
	for _, code := range gs1.FaultCodes {
		keys["scan.fault."+string(code)] = true
	}
	for _, layout := range gs1.Layouts {
		keys["layout."+string(layout)] = true
	}
	for _, code := range constants(t, "import.go", "FaultCode") {
		keys["import.fault."+code] = true
	}
	for _, m := range regexp.MustCompile(
		`(?:ProblemOf|rowProblem)\(\s*(?:ctx|\S+\.Context\(\)), \S+, "([a-z_]+)"`,
	).FindAllStringSubmatch(source, -1) {
		keys["api."+m[1]] = true
	}
	for _, m := range regexp.MustCompile(
		`finding\(\s*"(\w+)", packaging\.(\w+), "(\w+)"`,
	).FindAllStringSubmatch(source, -1) {
		keys["doctor.check."+m[1]] = true
		keys["doctor."+m[1]+"."+m[3]] = true
		if m[2] != "Good" {
			keys["doctor."+m[1]+"."+m[3]+".do"] = true
		}
	}
	for _, g := range []packaging.Grade{packaging.Good, packaging.Warning, packaging.Fault} {
		keys["doctor.grade."+string(g)], keys["doctor.worst."+string(g)] = true, true
	}
	for _, k := range packaging.EventKinds {
		keys["event."+string(k)] = true
	}
	for _, k := range packaging.AlarmKinds {
		keys["alarm.kind_"+string(k)], keys["alarm.do_"+string(k)] = true, true
	}
	for _, says := range []packaging.AlarmSays{
		packaging.AlarmBegan, packaging.AlarmRepeated, packaging.AlarmPassedOn, packaging.AlarmOver,
		packaging.AlarmWithdrawn,
	} {
		keys["alarm.says_"+string(says)] = true
	}
	for _, s := range packaging.Sources {
		if s != packaging.BySomebody { // says who
			keys["source."+string(s)] = true
		}
	}
	for _, d := range packaging.Work {
		keys["did."+string(d)] = true
	}
	for _, k := range packaging.ItemKinds {
		keys["item."+string(k)] = true
	}
	for _, m := range append(
		[]packaging.Meaning{packaging.MeansHandedOver, packaging.MeansTakenOver}, packaging.ReviewMeanings...,
	) {
		keys["meaning."+string(m)] = true
	}
	for _, t := range shell.Themes {
		keys["theme."+string(t)] = true
	}
	for _, word := range shell.OrderSorts {
		if by, _ := shell.SortOf(word); by.By != packaging.SortByArrival {
			keys["order."+string(by.By)] = true
		}
	}
	for _, d := range packaging.DayNames {
		keys["weekday."+d] = true
	}
	for _, table := range shifts.ReportTables {
		keys["report."+table] = true
	}
	for _, k := range []packaging.OddityKind{
		packaging.WrongCount, packaging.Duplicates, packaging.SerialLength, packaging.SerialAlphabet,
		packaging.SeenBefore, packaging.SeenAgain, packaging.HoldsSecret, packaging.Contradicted,
	} {
		keys["oddity."+string(k)] = true
	}
	for _, k := range packaging.ListOddities {
		keys["oddity_short."+string(k)] = true
	}
	for _, k := range []packaging.OddityKind{packaging.SerialLength, packaging.SerialAlphabet} {
		keys["odd_entry."+string(k)] = true
	}
	return keys
}

// reasons and obstacles are read from the domain's source, so that a new one without its sentence shows.
func reasons(t *testing.T) []string { return constants(t, "reason.go", "Reason") }

func obstacles(t *testing.T) []string { return constants(t, "order.go", "Obstacle") }

func constants(t *testing.T, file, kind string) (values []string) {
	t.Helper()
	source, err := os.ReadFile("../packaging/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var typed bool
	for line := range strings.Lines(string(source)) {
		if m := regexp.MustCompile(`^\t\w+\s+` + kind + `\s*=\s*"(\w*)"`).FindStringSubmatch(line); m != nil {
			typed = true
			if m[1] != "" {
				values = append(values, m[1])
			}
		}
	}
	if !typed {
		t.Fatalf("no constants of %s in %s", kind, file)
	}
	return values
}

func catalogue(t *testing.T) map[string]any {
	t.Helper()
	return catalogueOf(t, text.English)
}

func catalogueOf(t *testing.T, l text.Language) map[string]any {
	t.Helper()
	content, err := os.ReadFile(string(l) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEverythingThatIsSaidIsInTheCatalogue(t *testing.T) {
	thorough.Once(t)
	for key := range usedKeys(t) {
		if !text.Has(context.Background(), key) {
			t.Errorf("%s is said but is not in the catalogue", key)
		}
	}
}

// frenchSpace finds an ordinary space where French has one that no line breaks at.
var frenchSpace = regexp.MustCompile(`\S [:;?!»]|« `)

func TestFrenchBreaksNoLineBeforeAMark(t *testing.T) {
	raw, err := os.ReadFile("fr.json")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if frenchSpace.MatchString(line) && !strings.Contains(line, `< = > ? _`) { // which lists characters
			t.Errorf("an ordinary space before a mark: %s", line)
		}
	}
}

// otherNames are those that a language has no longer for what it calls something else.
var otherNames = map[text.Language]*regexp.Regexp{
	"de": regexp.MustCompile(`\bManager\b`),
	"fr": regexp.MustCompile(`: .*\bmanager\b`),
	"es": regexp.MustCompile(`(?i)\b(sede|del sitio|estaci(ón|ones)|gerente)\b`),
	"hu": regexp.MustCompile(`(?i)menedzser`),
}

func TestEachLanguageHasOneNameForAThing(t *testing.T) {
	for l, other := range otherNames {
		raw, err := os.ReadFile(string(l) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			if other.MatchString(line) {
				t.Errorf("%s has another name for something: %s", l, line)
			}
		}
	}
}

// A release under way is called the same wherever orders, reports and hand-overs tell of it.
func TestAReleaseUnderWayHasOneName(t *testing.T) {
	for _, l := range text.Languages {
		ctx := text.With(context.Background(), text.In(l, time.UTC))
		want := text.Say(ctx, "outcome.sending")
		for _, key := range []string{"report.sending", "item.sending"} {
			if got := text.Say(ctx, key); got != want {
				t.Errorf("%s: %s says %q, an order %q", l, key, got, want)
			}
		}
	}
}

// A reason in words of the system has no full stop: nothing follows it.
func TestAReasonOfTheSystemStandsLast(t *testing.T) {
	for l := range forms {
		for _, key := range []string{"data.check.unchecked", "doctor.database.unchecked"} {
			said := text.Say(text.With(t.Context(), text.In(l, time.UTC)), key, "Why", "open /x: no")
			if !strings.HasSuffix(said, ": open /x: no") {
				t.Errorf("%s says %s as %q", l, key, said)
			}
		}
	}
}

func TestEverythingInTheCatalogueIsSaid(t *testing.T) {
	thorough.Once(t)
	used := usedKeys(t)
	for key := range catalogue(t) {
		if !used[key] {
			t.Errorf("%s is in the catalogue but is never said", key)
		}
	}
}

// forms are the plural forms that a language has for whole numbers (Unicode CLDR).
var forms = map[text.Language][]string{
	"de": {"one", "other"}, "en": {"one", "other"}, "es": {"one", "many", "other"}, "fr": {"one", "many", "other"},
	"hu": {"one", "other"},
}

func TestEveryLanguageSaysAllThatEnglishDoesWithTheSameGaps(t *testing.T) {
	english := catalogue(t)
	for _, l := range text.Languages {
		words := catalogueOf(t, l)
		for key, said := range english {
			other, ok := words[key]
			if !ok {
				t.Errorf("%s lacks %s", l, key)
				continue
			}
			if strings.HasPrefix(key, "time.ago_") && said != "" {
				continue // a language says it before the time or after it
			}
			for _, problem := range compared(said, other, forms[l]) {
				t.Errorf("%s, %s: %s", l, key, problem)
			}
		}
		for key := range words {
			if english[key] == nil {
				t.Errorf("%s has %s, which English lacks", l, key)
			}
		}
	}
}

// compared says in what a text differs from the English one beyond its words.
func compared(english, other any, forms []string) (problems []string) {
	plural, isPlural := english.(map[string]any)
	otherPlural, otherIsPlural := other.(map[string]any)
	switch {
	case isPlural != otherIsPlural:
		return []string{"one has plural forms, the other has not"}
	case !isPlural:
		if gapsOf(english.(string)) != gapsOf(other.(string)) || english != "" && other == "" {
			return []string{fmt.Sprintf("%q for %q", other, english)}
		}
		return nil
	}
	for _, form := range forms {
		said, ok := otherPlural[form].(string)
		if !ok || said == "" {
			problems = append(problems, "the plural form "+form+" is missing")
		} else if form == "other" && gapsOf(said) != gapsOf(plural["other"].(string)) {
			problems = append(problems, fmt.Sprintf("%q for %q", said, plural["other"]))
		}
	}
	return problems
}

// gapsOf are the gaps of a text, in the order of the alphabet.
func gapsOf(s string) string {
	gaps := regexp.MustCompile(`{{[^}]*}}`).FindAllString(s, -1)
	slices.Sort(gaps)
	return strings.Join(gaps, " ")
}

// A text that counts is said in its own language for each number, or its reader meets a bare key.
func TestWhatCountsIsSaidForEachNumberInEachLanguage(t *testing.T) {
	for key, said := range catalogue(t) {
		if !strings.Contains(fmt.Sprint(said), "{{.Count}}") {
			continue
		}
		for _, l := range text.Languages {
			ctx := text.With(context.Background(), text.In(l, time.UTC))
			for _, n := range []int{0, 1, 2, 5} {
				got := text.Say(ctx, key, "Count", n)
				english := text.Say(context.Background(), key, "Count", n)
				if got == "⟦"+key+"⟧" || l != text.English && got == english {
					t.Errorf("%s, %s, %d: %q", l, key, n, got)
				}
			}
		}
	}
}

func TestGapsAndPluralsAreFilled(t *testing.T) {
	ctx := context.Background()
	for want, got := range map[string]string{
		"Release Order143 to Blister line 1": text.Say(
			ctx, "release.execute", "Order", "Order143", "Line", "Blister line 1",
		),
		"1 serial number received.":        text.Say(ctx, "result.released.serials", "Count", 1),
		"110,000 serial numbers received.": text.Say(ctx, "result.released.serials", "Count", 110_000),
		"0 serial numbers received.":       text.Say(ctx, "result.released.serials", "Count", 0),
		"⟦no.such.key⟧":                    text.Say(ctx, "no.such.key"),
		"Release <b>{{.Line}}</b> to L":    text.Say(ctx, "release.execute", "Order", "<b>{{.Line}}</b>", "Line", "L"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNumbersAndDatesAreWrittenAsTheLanguageDoes(t *testing.T) {
	day := time.Date(2027, 4, 3, 0, 0, 0, 0, time.UTC)
	for language, want := range map[text.Language][]string{
		"en": {"110,000", "2.5", "1,234.50", "1.5 s", "2 d 2 h", "2027-04-03"},
		"de": {"110.000", "2,5", "1.234,50", "1,5 s", "2 T 2 h", "03.04.2027"},
		"es": {"110.000", "2,5", "1.234,50", "1,5 s", "2 d 2 h", "03/04/2027"},
		"fr": {"110\u00a0000", "2,5", "1\u00a0234,50", "1,5 s", "2 j 2 h", "03/04/2027"},
		"hu": {"110\u00a0000", "2,5", "1\u00a0234,50", "1,5 s", "2 nap 2 h", "2027. 04. 03."},
		"xx": {"110,000", "2.5", "1,234.50", "1.5 s", "2 d 2 h", "2027-04-03"},
	} {
		ctx := text.With(context.Background(), text.In(language, time.UTC))
		got := []string{
			text.Number(ctx, 110_000), text.Decimal(ctx, "2.5"), text.Decimal(ctx, "1234.50"),
			text.Lasting(ctx, 1500*time.Millisecond), text.Lasting(ctx, 50*time.Hour), text.Date(ctx, day),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", language, diff)
		}
	}
	for _, odd := range []string{"", "about 10", "1.", ".5", "-3", "1.2.3", "99999999999999999999"} {
		if got := text.Decimal(context.Background(), odd); got != odd {
			t.Errorf("%q is written as %q", odd, got)
		}
	}
}

func TestABrowserIsReadInTheLanguageOfOursThatSuitsIt(t *testing.T) {
	for asked, want := range map[string]text.Language{
		"de-AT,de;q=0.9,en;q=0.8": "de", "fr-CA": "fr", "hu": "hu", "es-419": "es", "en-US": "en", "nl,de;q=0.5": "de",
		"ja": "en", "": "en", "###": "en",
	} {
		if got := text.Preferred(asked); got != want {
			t.Errorf("%q: %s, want %s", asked, got, want)
		}
	}
}

func TestTimesAreOfTheSiteWithTheirOffset(t *testing.T) {
	brussels := packaging.Tenant{TimeZone: "Europe/Brussels"}
	ctx := text.With(context.Background(), text.In(text.English, brussels.Location()))
	winter := time.Date(2026, 11, 23, 23, 30, 15, 7e6, time.UTC)
	summer := time.Date(2026, 7, 1, 4, 5, 6, 0, time.UTC)
	for want, got := range map[string]string{
		"2026-11-24 00:30:15 +01:00":     text.Moment(ctx, winter),
		"2026-11-24 00:30:15.007 +01:00": text.Exactly(ctx, winter),
		"2026-07-01 06:05:06 +02:00":     text.Moment(ctx, summer),
		"2026-11-24":                     text.Day(ctx, winter),
		"00:30:15":                       text.Clock(ctx, winter),
		"23:30:15":                       text.Clock(context.Background(), winter),
		"00:30":                          text.ShortClock(ctx, winter),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestDurationsReadAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                             "0 ms",
		350 * time.Millisecond:        "350 ms",
		1500 * time.Millisecond:       "1.5 s",
		42 * time.Second:              "42 s",
		61 * time.Second:              "1 min 1 s",
		2*time.Hour + 5*time.Minute:   "2 h 5 min",
		50*time.Hour + 59*time.Minute: "2 d 2 h",
	} {
		if got := text.Lasting(context.Background(), d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestPlacesAreCountedAsEachLanguageDoes(t *testing.T) {
	for l, want := range map[text.Language]string{
		text.English: "1st 2nd 3rd 4th 11th 12th 13th 20th", "de": "1. 2. 3. 4. 11. 12. 13. 20.",
		"fr": "1er 2e 3e 4e 11e 12e 13e 20e",
	} {
		ctx := text.With(context.Background(), text.In(l, time.UTC))
		var places []string
		for _, n := range []int{1, 2, 3, 4, 11, 12, 13, 20} {
			places = append(places, text.Place(ctx, n))
		}
		if got := strings.Join(places, " "); got != want {
			t.Errorf("%s: %s, want %s", l, got, want)
		}
	}
}
