package static

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// browsers are versions: 15.4 is 1504.
type browsers struct{ chrome, safari, firefox int }

// supported are the oldest browsers, as numbers.
var supported = browsers{version(Oldest.Chrome), version(Oldest.Safari), version(Oldest.Firefox)}

func version(written string) int {
	whole, part, _ := strings.Cut(written, ".")
	major, _ := strconv.Atoi(whole)
	minor, _ := strconv.Atoi(part)
	return 100*major + minor
}

// features are those of scripts and style sheets that came to browsers late, each with the first versions that have it
// (MDN's browser-compat-data, 2026). One that a supported browser lacks says what the page does without it.
var features = map[string]struct {
	use     string // how it looks in the source
	since   browsers
	without string
}{
	"cascade layers":      {`@layer`, browsers{9900, 1504, 9700}, ""},
	"the class of layers": {`CSSLayerBlockRule`, browsers{9900, 1504, 9700}, ""},
	"Array.at":            {`\.at\(-?\d`, browsers{9200, 1504, 9000}, ""},
	"replaceChildren":     {`\.replaceChildren\(`, browsers{8600, 1400, 7800}, ""},
	"logical assignment":  {`\?\?=|\|\|=|&&=`, browsers{8500, 1400, 7900}, ""},
	"optional chaining":   {`\?\.[a-zA-Z(\[]`, browsers{8000, 1304, 7400}, ""},
	"String.replaceAll":   {`\.replaceAll\(`, browsers{8500, 1304, 7700}, ""},
	"AbortController":     {`AbortController`, browsers{6600, 1201, 5700}, ""},
	"matchAll":            {`\.matchAll\(`, browsers{7300, 1300, 6700}, ""},
	"inset":               {`(?m)[{;\s]inset(-inline|-block)?:`, browsers{8700, 1401, 6600}, ""},
	"accent-color":        {`accent-color:`, browsers{9300, 1504, 9200}, ""},
	"fit-content":         {`fit-content`, browsers{4600, 1100, 9400}, ""},
	":is()":               {`:is\(`, browsers{8800, 1400, 7800}, ""},
	":focus-visible":      {`:focus-visible`, browsers{8600, 1504, 8500}, ""},
	"modal dialogs": {
		`\.showModal\(`, browsers{3700, 1504, 9800}, "station.js opens the lock as a layer over the page",
	},
	"showPicker": {
		`\.showPicker\(`, browsers{9900, 1600, 10100}, "dates.js shows no button for a calendar",
	},
	"media queries for scripting": {
		`@media \(scripting:`, browsers{12000, 1700, 11300}, "the layout is that of a page without scripts",
	},
	":has()":                {`:has\(`, browsers{10500, 1504, 12100}, "a field is narrower, a bar has no stripe"},
	"container queries":     {`@container`, browsers{10500, 1600, 11000}, "cards stay in one column"},
	"subgrid":               {`subgrid`, browsers{11700, 1600, 7100}, "rows of neighbouring cards do not line up"},
	"inert":                 {`\binert\b[^-]`, browsers{10200, 1505, 11200}, ""},
	"AbortSignal.timeout":   {`AbortSignal\.timeout\(`, browsers{10300, 1600, 10000}, ""},
	"AbortSignal.any":       {`AbortSignal\.any\(`, browsers{11600, 1704, 12400}, ""},
	"findLast":              {`\.findLast(Index)?\(`, browsers{9700, 1504, 10400}, ""},
	"toSorted":              {`\.to(Sorted|Reversed|Spliced)\(`, browsers{11000, 1600, 11500}, ""},
	"Promise.withResolvers": {`withResolvers`, browsers{11900, 1704, 12100}, ""},
	"Set methods": {
		`\.(isSubsetOf|symmetricDifference|isDisjointFrom)\(`, browsers{12200, 1700, 12700}, "",
	},
	"Object.groupBy":          {`Object\.groupBy`, browsers{11700, 1704, 11900}, ""},
	"Array.fromAsync":         {`fromAsync`, browsers{12100, 1604, 11500}, ""},
	"requestIdleCallback":     {`requestIdleCallback`, browsers{4700, 99900, 5500}, ""},
	"checkVisibility":         {`checkVisibility`, browsers{10500, 1704, 10600}, ""},
	"view transitions":        {`startViewTransition`, browsers{11100, 1800, 14400}, ""},
	"popovers":                {`showPopover|popovertarget`, browsers{11400, 1700, 12500}, ""},
	"color-mix":               {`color-mix\(`, browsers{11100, 1602, 11300}, ""},
	"light-dark":              {`light-dark\(`, browsers{12300, 1705, 12000}, ""},
	"oklch":                   {`oklch\(`, browsers{11100, 1504, 11300}, ""},
	"dynamic viewport units":  {`\d(dvh|svh|lvh|dvw)\b`, browsers{10800, 1504, 10100}, ""},
	"text-wrap":               {`text-wrap:`, browsers{11400, 1704, 12100}, ""},
	"individual transforms":   {`(?m)^\s+(translate|rotate|scale):`, browsers{10400, 1401, 7200}, ""},
	"nesting":                 {`(?m)^\s+&[ :.\[]`, browsers{12000, 1702, 11700}, ""},
	"field-sizing":            {`field-sizing:`, browsers{12300, 99900, 99900}, ""},
	"media queries by range":  {`@media[^{]*\([^)]*[<>]=?`, browsers{10400, 1604, 6300}, ""},
	"scrollbar-gutter":        {`scrollbar-gutter:`, browsers{9400, 1802, 9700}, ""},
	"overscroll-behavior":     {`overscroll-behavior`, browsers{6300, 1600, 5900}, "a pull may reload the page"},
	"content-visibility":      {`content-visibility:`, browsers{8500, 1800, 12500}, ""},
	"regular expressions' v":  {`/[dgimsuy]*v[dgimsuy]*[;,.)]`, browsers{11200, 1700, 11600}, ""},
	"lookbehind":              {`\(\?<[=!]`, browsers{6200, 1604, 7800}, ""},
	"top-level await":         {`(?m)^await `, browsers{8900, 1500, 8900}, ""},
	"static blocks":           {`static \{`, browsers{9400, 1604, 9300}, ""},
	"structuredClone":         {`structuredClone`, browsers{9800, 1504, 9400}, ""},
	"crypto.randomUUID":       {`randomUUID`, browsers{9200, 1504, 9500}, ""},
	"Object.hasOwn":           {`Object\.hasOwn`, browsers{9300, 1504, 9200}, ""},
	"Intl.DurationFormat":     {`DurationFormat`, browsers{12900, 1604, 13600}, ""},
	"request streams":         {`duplex:`, browsers{10500, 99900, 99900}, ""},
	"import with attributes":  {`with \{ type:`, browsers{12300, 1702, 13800}, ""},
	"scroll-driven animation": {`animation-timeline`, browsers{11500, 2600, 99900}, ""},
}

// What is done for browsers that are too old must be read by them: nothing in it is newer than ECMAScript 5.
func TestTheScriptForOldBrowsersIsReadByThem(t *testing.T) {
	source := string(site().assets[URL("old.js")].plain)
	for _, later := range []string{
		`=>`, "`", `\b(const|let|class|async|await|of|import|export)\b`, `\?\.|\?\?`, `\.\.\.`,
	} {
		if found := regexp.MustCompile(later).FindString(source); found != "" {
			t.Errorf("old.js has %q", found)
		}
	}
}

func TestSupportedBrowsersHaveWhatScriptsAndStyleSheetsUse(t *testing.T) {
	sources := map[string]string{"app.css": "", "app.js": "", "worker.js": string(Worker())}
	for _, name := range []string{"app.css", "app.js"} {
		sources[name] = string(site().assets[URL(name)].plain)
	}
	used := 0
	for name, f := range features {
		use := regexp.MustCompile(f.use)
		lacks := f.since.chrome > supported.chrome || f.since.safari > supported.safari ||
			f.since.firefox > supported.firefox
		for file, source := range sources {
			if !use.MatchString(source) {
				continue
			}
			used++
			if lacks && f.without == "" {
				t.Errorf("%s uses %s, which a supported browser lacks: %q", file, name, use.FindString(source))
			}
		}
	}
	if used < 10 {
		t.Errorf("only %d uses are found", used)
	}
}
