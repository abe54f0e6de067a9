package shifts_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/testkit/site"
)

func TestAShiftOfWhichSomethingIsOpenIsSignedWithAComment(t *testing.T) {
	t.Parallel()
	s := working(t)
	s.Clock.Move(8 * time.Hour)
	b := s.SignIn("manager1")
	page := b.Get(early + "/sign")
	if open := page.Text(".still-open"); !strings.Contains(open, "Still open:") ||
		!strings.Contains(open, "Outcome unknown: Order145") {
		t.Errorf("still open: %q", open)
	}
	sign := func(comment string) site.Answer {
		return b.Post(
			early+"/sign", "shown", hash(b.Get(early+"/sign")), "meaning", "reviewed", "comment", comment, "password",
			site.Password,
		)
	}
	if a := sign(" "); a.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(a.Text(".sign .problem"), "still open") {
		t.Errorf("without a comment: %d %s", a.Status, a.Text(".problem"))
	}
	if a := sign("Ticket 4711, Sven asks at the line"); a.Status != http.StatusSeeOther {
		t.Fatalf("with a comment: %d %s", a.Status, a.Text(".problem"))
	}
	// Of a shift that has nothing open nothing is asked.
	late := strings.Replace(early, "Early", "Late", 1)
	s.Clock.Move(8 * time.Hour)
	b = s.SignIn("manager1")
	page = b.Get(late + "/sign")
	if open := page.Text(".still-open"); open != "" {
		t.Errorf("of the next shift: %q", open)
	}
	if a := b.Post(
		late+"/sign", "shown", hash(page), "meaning", "reviewed", "password", site.Password,
	); a.Status != http.StatusSeeOther {
		t.Errorf("the next shift: %d %s", a.Status, a.Text(".problem"))
	}
}

func TestAReportBeginsWithItsFiguresAndExceptions(t *testing.T) {
	t.Parallel()
	s := working(t)
	page := s.SignIn("manager1").Get(early)
	tiles := page.All(".tiles .tile")
	for _, want := range []string{"Not released1", "Outcome unknown1", "Released1", "Serials11"} {
		if !slices.Contains(tiles, want) {
			t.Errorf("%q is no tile: %q", want, tiles)
		}
	}
	places := make([]int, 0, 4)
	for _, part := range []string{`class="tiles"`, `class="report-exceptions"`, `class="figures"`, `class="plots"`} {
		places = append(places, strings.Index(page.Body, part))
	}
	if !slices.IsSorted(places) || places[0] < 0 {
		t.Errorf("tiles, exceptions, figures and plots come at %v", places)
	}
	if files := page.All(".exports a"); len(files) != 8 {
		t.Errorf("one menu has the files %q", files)
	}
	if way := page.Attr(".review-foot a", "href"); way != early+"/sign" {
		t.Errorf("the way to sign leads to %q", way)
	}
	if way := s.SignIn("auditor1").Get(early).Text(".review-foot"); way != "" {
		t.Errorf("an auditor is offered %q", way)
	}
}

func TestWhatSimplyWaitsNeedsNoTickAndNotesNeedOne(t *testing.T) {
	t.Parallel()
	var orders []string
	for _, key := range []string{"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"} {
		orders = append(orders, key, "Pending release")
	}
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders(append(orders, "B1", "Suspended")...)})
	s.ThreeShifts("ghent")
	for _, words := range []string{"Ribbon changed", "Camera cleaned", "Cap feeder slow"} {
		s.SignIn("operator1").Post("/lines/L1/notes", "words", words)
	}
	out := s.SignIn("supervisor1")
	out.Post(early+"/handover", "shown", hash(out.Get(early+"/handover")), "password", site.Password)
	in := s.SignIn("manager1")
	page := in.Get(early + "/handover")
	ticks := page.Values("input[name=item]")
	if len(ticks) != 2 || !strings.Contains(page.Text(".waits"), "8 orders wait for release") ||
		len(page.All(".items li")) != 5 {
		t.Errorf("%d ticks and %q", len(ticks), page.Text(".items"))
	}
	pairs := []string{"shown", hash(page), "password", site.Password}
	for _, tick := range ticks {
		pairs = append(pairs, "item", tick)
	}
	if a := in.PostAll(early+"/handover/take", pairs...); a.Status != http.StatusSeeOther {
		t.Fatalf("take-over: %d %s", a.Status, a.Text(".problem"))
	}
	if e := s.History()[1]; e.New != "4 of 4 items acknowledged" {
		t.Errorf("the history says %q", e.New)
	}
	if left := in.Get("/").Text(".left"); left != "" {
		t.Errorf("left: %q", left)
	}
}

func TestTrendsAreThoseOfTheReleases(t *testing.T) {
	t.Parallel()
	s := working(t)
	s.Clock.Move(24 * time.Hour)
	b := s.SignIn("auditor1")
	for path, rows := range map[string]int{"/shifts/trends": 14, "/shifts/trends?by=week": 12} {
		page := b.Get(path)
		all := page.All(".trends tbody tr")
		if len(all) != rows {
			t.Fatalf("%s has %d rows", path, len(all))
		}
		i := slices.IndexFunc(page.All(".trends th[scope=row]"), func(name string) bool {
			return strings.Contains(name, "2026-11-23")
		})
		cells := page.All(".trends tbody td")[i*6 : i*6+6]
		if want := []string{"1", "1", "1", "15 min 0 s", "20 min 0 s", "11"}; !slices.Equal(cells, want) {
			t.Errorf("%s shows %q, want %q", path, cells, want)
		}
		for selector, want := range map[string]string{
			".plot-most": "Scale: 0 to 3", ".plot-key": "Waited (median)", ".plots + .plot-key": "Waited longest",
		} {
			if said := page.Text(selector); !strings.Contains(said, want) {
				t.Errorf("%s: %s says %q and not %q", path, selector, said, want)
			}
		}
		if says := page.All("svg.plot-columns desc"); len(says) != 2 ||
			!strings.Contains(says[0], "Released 1, Not released 1, Outcome unknown 1") ||
			!strings.Contains(says[1], "median 15 min 0 s, longest 20 min 0 s") {
			t.Errorf("%s says in words %q", path, says)
		}
	}
	for path, want := range map[string]int{
		"?until=2026-11-22": 200, "?until=x": 400, "?by=year": 400, "?by=week&until=2026-11-30": 200,
	} {
		if a := b.Get("/shifts/trends" + path); a.Status != want {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	s.Limit("auditor1", "L2")
	if page := s.SignIn("auditor1").Get("/shifts/trends"); strings.Contains(page.Text("svg desc"), "Released 1") {
		t.Error("trends show a line that the person does not see")
	}
}

func TestTheNewestPageOfTrendsLeadsToNoNewerOne(t *testing.T) {
	t.Parallel()
	b := site.New(t, site.Options{}).SignIn("supervisor1")
	for path, newer := range map[string]bool{
		"": false, "?until=2026-11-23": false, "?until=2026-12-31": false, "?until=2026-11-22": true,
		"?by=week": false, "?by=week&until=2026-11-23": false, "?by=week&until=2026-11-22": true,
	} {
		page := b.Get("/shifts/trends" + path)
		if got := page.Attr(`nav.pages [rel="prev"]`, "href") != ""; page.Status != http.StatusOK || got != newer {
			t.Errorf("%q: %d, newer %v, want %v", path, page.Status, got, newer)
		}
	}
}
