package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"lineboard/internal/sandbox"
	house "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
	"lineboard/internal/text"
)

// What a page says in another language has no English in it but what people and other systems gave. A word is English
// where the English catalogue has it and the other one has it nowhere.
func TestNoPageSaysSomethingInEnglishToOthers(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	e := newExhibition(t)
	e.setUpAll()
	english, given := vocabulary(t, text.English), givenTo(t)
	for _, l := range others() {
		own, said := vocabulary(t, l), map[string]bool{}
		for _, who := range []string{"supervisor1", "administrator1", "manager1"} {
			b := e.SignIn(who)
			b.Post("/language", "language", string(l))
			for path, page := range e.crawl(b) {
				for _, words := range shown(t, page) {
					at := slices.IndexFunc(wordsIn(given.ReplaceAllString(words, " ")), func(word string) bool {
						return len(word) > 2 && english[word] && !own[word]
					})
					if at >= 0 && !said[words] {
						said[words] = true
						t.Errorf("%s in %s: %q", path, l, words)
					}
				}
			}
		}
	}
}

// others are the languages to look at: Hungarian shares the fewest words with English, and pages are built alike in all.
func others() []text.Language {
	if !all {
		return []text.Language{"hu"}
	}
	return slices.DeleteFunc(slices.Clone(text.Languages), func(l text.Language) bool { return l == text.English })
}

// givenTo finds what people, files and other systems gave the exhibition, in their own words.
func givenTo(t *testing.T) *regexp.Regexp {
	t.Helper()
	lines, orders := plantData(t)
	words := slices.Clone(given)
	for _, l := range lines {
		words = append(words, regexp.QuoteMeta(l.Name))
	}
	for _, o := range orders {
		words = append(words, regexp.QuoteMeta(o.Product))
	}
	return regexp.MustCompile(strings.Join(words, "|"))
}

var given = []string{
	`(Person )?\b(supervisor|operator|manager|auditor|administrator)\d\b`, `(Blister|Bottle) line \d`, `Sachet line`,
	`\b(Early|Late|Night)\b`, `Plant (Ghent|Antwerp)`, `[A-Z][\w-]+(/[a-z ]+| acid)? [\d.]+ [mµ]?g(/ml)?,.*(tablets|sachets|cup)`,
	`Fileserver of packaging, share SERIALS\$`, `\bshare\b`, `Line PC`, `What went wrong on blister line 1`,
	`The printer was cleaned at 10:20, and the first label after it was thrown away\.`, `Waits for maintenance`,
	`open /.*: no such file or directory`, `\w+\.(csv|xlsx|json)`, `\b[0-9a-f]{64}\b`, `https?://\S+`, `(?i:x-access-token)`, `Go-http-client/1\.1`,
	`<meta .*>`, `\(01\)\d+ \(17\).*`, `SAP Ghent`, `Tablet one`, `Hall B`, `Night shift`, `\S+@plant\.example`, `^provisioning$`, `read tcp .*`, `^English$`, `^Enter$`,
	`^(product|expiry|quantity|extra_percent|order_id|line)$`,
}

// vocabulary is all words of a catalogue, in small letters.
func vocabulary(t *testing.T, l text.Language) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("../text/" + string(l) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue map[string]any
	if err := json.Unmarshal(raw, &catalogue); err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, said := range catalogue {
		for _, word := range wordsIn(fmt.Sprint(said)) {
			words[word] = true
		}
	}
	return words
}

func wordsIn(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
}

// shown is what a page shows, and what its parts are called, but for what is said to be of another language, or to stay
// as it is.
func shown(t *testing.T, page string) (all []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode && !isForeign(n.Parent):
			all = append(all, strings.Join(strings.Fields(n.Data), " "))
		case n.Type == html.ElementNode && !isForeign(n):
			for _, a := range n.Attr {
				if slices.Contains([]string{"aria-label", "title", "placeholder", "alt", "label", "data-done"}, a.Key) {
					all = append(all, a.Val)
				}
			}
		}
	}
	return all
}

func isForeign(n *html.Node) bool {
	for ; n != nil && n.Data != "html"; n = n.Parent {
		if slices.Contains([]string{"script", "style", "code", "pre", "template", "textarea"}, n.Data) ||
			slices.ContainsFunc(n.Attr, func(a html.Attribute) bool {
				return a.Key == "lang" || a.Key == "translate" && a.Val == "no"
			}) {
			return true
		}
	}
	return false
}

var (
	link   = regexp.MustCompile(`href="(/[^"#]*)`)
	file   = regexp.MustCompile(`\.(csv|xlsx|json|webmanifest)\b`)
	digits = regexp.MustCompile(`[0-9]+`)
)

// crawl follows all links from the overview, to some pages of each kind, and gives the pages by their paths.
func (e exhibition) crawl(b *house.Browser) map[string]string {
	e.t.Helper()
	const most = 12
	pages, kinds, known := map[string]string{}, map[string]int{}, map[string]bool{"/": true}
	for next := []string{"/"}; len(next) > 0; next = next[1:] {
		a := b.Get(next[0])
		if a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			continue
		}
		pages[next[0]] = a.Body
		for _, m := range link.FindAllStringSubmatch(a.Body, -1) {
			to := html.UnescapeString(m[1])
			kind, _, _ := strings.Cut(digits.ReplaceAllString(to, "N"), "?")
			if known[to] || strings.HasPrefix(to, "/static") || file.MatchString(to) || kinds[kind] == most && kind != "/history/N" {
				continue
			}
			known[to] = true
			kinds[kind]++
			next = append(next, to)
		}
	}
	return pages
}

// setUpAll has an administrator set up something of everything, so that the history and the pages of setup tell of it,
// and a shift handed over, taken over and signed.
func (e exhibition) setUpAll() {
	e.t.Helper()
	admin := e.SignIn("administrator1")
	post := func(b *house.Browser, path string, pairs ...string) {
		e.t.Helper()
		if a := b.PostAll(path, pairs...); a.Status != http.StatusSeeOther && a.Status != http.StatusOK {
			e.t.Errorf("%s: %d %s", path, a.Status, a.Text("main"))
		}
	}
	post(
		admin, "/admin/connection", "base_url", e.Remote.URL, "token_kind", "dynamic", "token_header", "x-access-token",
		"api_key", sandbox.APIKey,
	)
	post(admin, "/admin/connection/end", "last_day", "2027-01-31", "remind_days", "30")
	post(admin, "/admin/stations", "name", "Tablet one", "line", "L1")
	post(admin, "/admin/displays", "name", "Hall B")
	post(admin, "/admin/stations/rules", "lock_after", "4", "sign", "yes")
	post(admin, "/admin/stations/rules", "lock_after", "4")
	post(admin, "/admin/tokens", "name", "SAP Ghent", "scope", "send_orders", "until", "2027-01-31")
	post(admin, "/admin/alarms/recipients", "name", "Night shift", "kind", "mail", "target", "night@plant.example")
	post(
		admin, "/admin/alarms/settings", "address", "https://lineboard.example", "language", "en", "host", "mail.example:587",
		"encryption", "starttls", "from", "line@plant.example", "user", "line", "password", "a mail password", "beat",
		"https://beat.example/1", "every", "5",
	)
	person := fmt.Sprint("/admin/people/", e.Person("operator1").ID)
	post(admin, person, "full_name", "Person operator1", "role", "operator", "line", "L1")
	for _, do := range []string{"retire", "take_back"} {
		post(admin, "/admin/lines/L2", "do", do)
	}
	supervisor, manager := e.SignIn("supervisor1"), e.SignIn("manager1")
	sign := func(b *house.Browser, path string, pairs ...string) {
		e.t.Helper()
		shown := b.Get(path).Attr("input[name=shown]", "value")
		post(b, path, append(pairs, "shown", shown, "password", e.password)...)
	}
	supervisor.Get(shiftPage + "/report.csv?table=figures")
	sign(supervisor, shiftPage+"/handover")
	taken := manager.Get(shiftPage+"/handover").Attr("input[name=shown]", "value")
	post(manager, shiftPage+"/handover/take", "password", e.password, "item", "1", "shown", taken)
	e.Clock.Move(8 * time.Hour)
	manager = e.SignIn("manager1")
	sign(manager, shiftPage+"/sign", "meaning", "deviations", "comment", "2 × 4711")
	post(manager, "/history/verify")
}
