package orders_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// books compares what is said of Order143, whose release was pressed, with what the sandbox did.
type books struct {
	*testing.T
	s *site.Site
	b *site.Browser
	o packaging.Order
}

// carried are the serials that came with each release which the sandbox carried out.
func (k books) carried() (all [][]string) {
	for _, r := range k.s.Box.Released() {
		if r.OrderID == k.o.Key {
			all = append(all, r.Serials)
		}
	}
	return all
}

// denied are sentences that must not be said where the order was released, and where it was not. What a person says is
// said as theirs.
var denied = map[bool][]string{
	true: {
		"Order143 was not released.", "not carried out", "is recorded, so it can’t", "No release of it from here",
		"no list of it exists",
	},
	false: {"Order143 is released to", "is at the line already", "Released at"},
}

// compare reads every page, export and answer that says something of the order's release.
func (k books) compare(after string) {
	k.Helper()
	carried := k.carried()
	for _, path := range []string{
		handlerstest.OrderPath(k.o, ""), handlerstest.OrderPath(k.o, "/serials"), "/lines/L1", "/",
		"/shifts/2026-11-23/Early", "/history",
	} {
		said := strings.ReplaceAll(
			k.b.Get(path).Text("main"), "Person supervisor1 says that Order143 was not released.", "",
		)
		for _, denial := range denied[len(carried) > 0] {
			if strings.Contains(said, denial) {
				k.Errorf("%s: carried out %d times, and %s says %q", after, len(carried), path, denial)
			}
		}
	}
	for _, file := range []string{"/history.csv", "/shifts/2026-11-23/Early/report.csv?table=releases"} {
		for _, outcome := range k.outcomes(file) {
			if outcome == string(packaging.Refused) && len(carried) > 0 || outcome == string(packaging.Released) &&
				len(carried) == 0 {
				k.Errorf("%s: carried out %d times, and %s says %s", after, len(carried), file, outcome)
			}
		}
	}
	k.compareList(after, carried)
}

// outcomes are those that a file has of the order's releases.
func (k books) outcomes(file string) (all []string) {
	k.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(k.b.Get(file).Body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) == 0 {
		k.Fatalf("%s: %v", file, err)
	}
	key, outcome := slices.Index(rows[0], "order_id"), slices.Index(rows[0], "outcome")
	if key < 0 || outcome < 0 {
		k.Fatalf("%s has the columns %q", file, rows[0])
	}
	for _, row := range rows[1:] {
		if row[key] == k.o.Key {
			all = append(all, row[outcome])
		}
	}
	return all
}

// compareList: a program gets a list that the sandbox gave, or is told that none is here.
func (k books) compareList(after string, carried [][]string) {
	k.Helper()
	a := k.b.Get(handlerstest.OrderPath(k.o, "/serials.json"))
	var file struct {
		Serials []string
		Outcome *string
	}
	if err := json.Unmarshal([]byte(a.Body), &file); err != nil {
		k.Fatalf("%s: %v", after, err)
	}
	given := slices.ContainsFunc(carried, func(list []string) bool { return slices.Equal(list, file.Serials) })
	switch {
	case a.Status == http.StatusOK && !given:
		k.Errorf("%s: serials.json has %q, the sandbox gave %q", after, file.Serials, carried)
	case a.Status != http.StatusOK && (a.Status != http.StatusConflict || file.Outcome == nil || file.Serials != nil):
		k.Errorf("%s: serials.json: %d %s", after, a.Status, a.Body)
	}
}

func TestNoPageExportOrAnswerSaysWhatTheSandboxsBooksDeny(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.Kind{
		sandbox.Delay, sandbox.CutBefore, sandbox.CutAfter, sandbox.ErrorAfter, sandbox.RefuseAfter, sandbox.OtherOrder,
		sandbox.Late, sandbox.PushRefused,
	} {
		for _, ruling := range []packaging.Ruling{
			"", packaging.WasReleased, packaging.WasNotReleased, packaging.CannotBeKnown,
		} {
			if ruling != "" && kind != sandbox.CutAfter && kind != sandbox.Late {
				continue
			}
			t.Run(fmt.Sprint(kind, " ", ruling), func(t *testing.T) {
				t.Parallel()
				plain := sandbox.Order143(time.Now())
				plain.Serials = nil
				s := site.New(t, site.Options{Orders: []sandbox.Order{plain}})
				s.ThreeShifts("ghent")
				k := books{t, s, s.SignIn("supervisor1"), s.Order("Order143")}
				s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: kind, Times: 1})
				k.b.Post(handlerstest.OrderPath(k.o, "/release"))
				k.compare("the press")
				k.live(kind, ruling)
			})
		}
	}
}

// live goes through what can come after a press whose answer was ill.
func (k books) live(kind sandbox.Kind, ruling packaging.Ruling) {
	ask := func() { k.b.Post(handlerstest.OrderPath(k.o, "/ask")) }
	if ruling != "" {
		before, _ := k.s.Box.Order("Order143")
		k.s.Box.SetStatus("Order143", "Waiting for QA")
		ask()
		k.compare("a status in unknown words")
		k.b.Post(
			handlerstest.OrderPath(k.o, "/settle"), "revision", fmt.Sprint(k.s.Order("Order143").Revision), "ruling",
			string(ruling), "why", "seen",
		)
		if r := k.s.Order("Order143").Release; r.SettledBy == "" {
			k.Fatalf("not settled by a person: %+v", r)
		}
		k.compare("a person's word")
		k.s.Box.SetStatus("Order143", before.Status)
	}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"an answer", ask},
		{"a second answer", func() { k.s.Clock.Move(16 * time.Second); ask() }},
		{"a refresh", k.s.Refresh},
		{"what was late", func() { k.s.Box.RunLate(); k.s.Refresh() }},
		{"an answer after that", ask},
		{"a list that comes later", func() { k.s.Box.SetSerialsInDetails(true); ask() }},
		{"a status that goes back", func() {
			k.s.Clock.Move(time.Minute)
			k.s.Box.SetStatus("Order143", sandbox.PendingRelease)
			k.s.Refresh()
		}},
		{"one more release", func() {
			if o := k.s.Order("Order143"); o.AgainObstacle() == packaging.NoObstacle {
				k.b.Post(
					handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision), "again", "1", "why",
					"scrapped",
				)
			}
		}},
	} {
		step.do()
		k.compare(step.name)
	}
	if n := len(k.carried()); kind == sandbox.CutAfter && ruling == "" && n != 2 {
		k.Errorf("carried out %d times", n)
	}
}
