package db

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

// twoLines is a database whose tenant ghent has the lines L1 and L2, with an order a of L1.
func twoLines(t *testing.T) (d *DB, ghent packaging.Person, l1, l2 packaging.Line, a packaging.Order) {
	t.Helper()
	d, ghent, _ = opened(t)
	more := setup("ghent")
	more.Lines = append(more.Lines, packaging.Line{Code: "L2", Name: "Bottle line 2"})
	if err := d.Provision(t.Context(), Site{more}); err != nil {
		t.Fatal(err)
	}
	lines, err := d.Lines(t.Context(), ghent.Scope())
	if err != nil || len(lines) != 2 {
		t.Fatalf("lines %v, %v", lines, err)
	}
	return d, ghent, lines[0], lines[1], cache(t, d, ghent.Tenant.ID, facts("a"))
}

func setLine(t *testing.T, d *DB, by packaging.Person, o packaging.Order, line packaging.LineID) packaging.Order {
	t.Helper()
	if err := d.SetOrderLine(t.Context(), by, o.ID, o.Line.ID, line); err != nil {
		t.Fatal(err)
	}
	return order(t, d, o.TenantID, o.Key)
}

func TestALineThatAPersonSetIsKeptThroughRefreshesUntilItIsGivenBack(t *testing.T) {
	d, ghent, l1, l2, a := twoLines(t)
	armed := a.Revision
	a = setLine(t, d, ghent, a, l2.ID)
	if a.Line != l2 || a.LineSetBy != ghent.FullName || a.LineSetAt.IsZero() {
		t.Fatalf("set: %+v", a)
	}
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: a.ID, Revision: armed},
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("a release that was armed on the old line: %v", err)
	}
	if refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{facts("a")}}) {
		t.Error("a refresh that says what it said before changes something")
	}
	other := facts("a")
	other.LineCode = "L3"
	refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{other}})
	if a = order(t, d, ghent.Tenant.ID, "a"); a.Line != l2 || a.LineCode != "L3" {
		t.Errorf("after the API said L3: line %+v, API %s", a.Line, a.LineCode)
	}
	refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{facts("a")}})
	if a = setLine(t, d, ghent, order(t, d, ghent.Tenant.ID, "a"), 0); a.Line != l1 || a.LineSetBy != "" ||
		!a.LineSetAt.IsZero() {
		t.Errorf("given back: %+v", a)
	}
	refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{other}})
	if a = order(t, d, ghent.Tenant.ID, "a"); a.Line.Known() {
		t.Errorf("as the API says: %+v", a.Line)
	}
	var said []string
	for _, e := range storyOf(t, d, a) {
		said = append(said, string(e.Kind)+" "+e.Old+"→"+e.New+" "+string(e.Source)+e.By.FullName)
	}
	if diff := cmp.Diff([]string{
		"line Blister line 1→L3 list", "line Bottle line 2→Blister line 1 personThe boss of ghent", "facts L3→L1 list",
		"facts L1→L3 list",
		"line Blister line 1→Bottle line 2 personThe boss of ghent", "seen →Pending release list",
	}, said); diff != "" {
		t.Errorf("timeline (-want +got)\n%s", diff)
	}
	var deeds []string
	for _, e := range entries(t, d, ghent.Tenant.ID) {
		if e.OrderKey == "a" {
			deeds = append(deeds, string(e.Deed)+" "+e.By.Username+" "+e.Old+"→"+e.New)
		}
	}
	slices.Sort(deeds)
	if diff := cmp.Diff([]string{
		"order_line_back ghent-boss Bottle line 2→Blister line 1",
		"order_line_set ghent-boss Blister line 1→Bottle line 2",
	}, deeds); diff != "" {
		t.Errorf("history (-want +got)\n%s", diff)
	}
}

func TestALineStaysAsItIsWhileAReleaseIsNotSettledOrAQueueHasTheOrder(t *testing.T) {
	d, ghent, l1, l2, a := twoLines(t)
	refused := func(when, key string) {
		t.Helper()
		err := d.SetOrderLine(t.Context(), ghent, a.ID, l1.ID, l2.ID)
		if packaging.CodeOf(err) != packaging.Conflict || err.Error() != "conflict: "+key {
			t.Errorf("%s: %v", when, err)
		}
		if now := order(t, d, ghent.Tenant.ID, "a"); now.Line != l1 || now.LineSetBy != "" {
			t.Errorf("%s: line %+v", when, now.Line)
		}
	}
	q, err := d.StartQueue(t.Context(), ghent, l1.ID, []packaging.QueuePick{{Order: a.ID}})
	if err != nil {
		t.Fatal(err)
	}
	refused("in a queue", "set_line.queued")
	if err := d.EndQueue(t.Context(), q, ghent.Author, packaging.StopByPerson); err != nil {
		t.Fatal(err)
	}
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: a.ID})
	if err != nil {
		t.Fatal(err)
	}
	refused("while it is being released", "set_line.fixed")
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut},
	); err != nil {
		t.Fatal(err)
	}
	refused("while its outcome is unknown", "set_line.fixed")
	settled := packaging.Settlement{
		Outcome: packaging.Refused, Reason: packaging.StillPending, Status: packaging.PendingRelease, Since: start,
	}
	if err := d.SettleByStatus(t.Context(), claimed, settled); err != nil {
		t.Fatal(err)
	}
	if a = setLine(t, d, ghent, order(t, d, ghent.Tenant.ID, "a"), l2.ID); a.Line != l2 {
		t.Errorf("settled: line %+v", a.Line)
	}
	if err := d.SetOrderLine(t.Context(), ghent, a.ID, l1.ID, l1.ID); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("somebody who saw the line from before: %v", err)
	}
}

func TestOnlyWhoMaySetBothLinesSetsOne(t *testing.T) {
	d, ghent, l1, l2, a := twoLines(t)
	basel := boss(t, d, "basel")
	theirs, err := d.Lines(t.Context(), basel.Scope())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		by    packaging.Person
		role  packaging.Role
		lines []packaging.LineID
		line  packaging.LineID
		want  packaging.Code
	}{
		{"an operator", ghent, packaging.Operator, nil, l2.ID, packaging.Forbidden},
		{
			"somebody of the old line alone", ghent, packaging.Supervisor,
			[]packaging.LineID{l1.ID},
			l2.ID,
			packaging.Forbidden,
		},
		{
			"somebody of the new line alone", ghent, packaging.Supervisor,
			[]packaging.LineID{l2.ID},
			l2.ID,
			packaging.NotFound,
		},
		{"a line of another tenant", ghent, packaging.Supervisor, nil, theirs[0].ID, packaging.NotFound},
		{"an order of another tenant", basel, packaging.Supervisor, nil, theirs[0].ID, packaging.NotFound},
		{"a line that there is not", ghent, packaging.Supervisor, nil, 999, packaging.NotFound},
		{"an operator who gives it back", ghent, packaging.Operator, nil, 0, packaging.Forbidden},
		{"somebody of both lines", ghent, packaging.Supervisor, []packaging.LineID{l1.ID, l2.ID}, l1.ID, ""},
	} {
		err := d.SetOrderLine(t.Context(), become(t, d, test.by, test.role, test.lines...), a.ID, a.Line.ID, test.line)
		if test.want == "" && err != nil || test.want != "" && packaging.CodeOf(err) != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestALineThatTheAPINamesIsAdoptedWithAllItsOrders(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	all := []packaging.Facts{facts("a"), facts("b"), facts("c"), facts("d"), facts("e")}
	all[0].LineCode = "L9"
	all[1].LineCode, all[1].LineName = "l9", "Tube line 9"
	all[2].LineCode, all[2].Status = "L9", packaging.Done
	all[3].LineCode = "L8"
	all[4].LineCode, all[4].LineName = "", "Line by name"
	refresh(t, d, tenant, packaging.Refresh{Listed: all})
	unknown, err := d.UnknownLines(t.Context(), ghent.Scope())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(
		[]string{"L8 L8", "L9 Tube line 9", "Line by name Line by name"}, codesAndNames(unknown),
	); diff != "" {
		t.Errorf("unknown lines (-want +got)\n%s", diff)
	}
	lanes, err := d.Lanes(t.Context(), ghent.Scope())
	if err != nil {
		t.Fatal(err)
	}
	var pending []int
	for _, l := range lanes {
		pending = append(pending, l.Counts.Pending)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 1}, pending); diff != "" {
		t.Errorf("lanes (-want +got)\n%s", diff)
	}
	if _, err := d.AdoptLine(
		t.Context(), become(t, d, ghent, ghent.Role, 1), "L9", "x",
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("by somebody limited to other lines: %v", err)
	}
	become(t, d, ghent, ghent.Role)
	before := order(t, d, tenant, "a")
	l, err := d.AdoptLine(t.Context(), ghent, "L9", "Tubes")
	if err != nil || l.Name != "Tubes" || l.ID == 0 {
		t.Fatalf("%+v, %v", l, err)
	}
	for key, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "e": false} {
		if o := order(t, d, tenant, key); (o.Line.ID == l.ID) != want || o.LineSetBy != "" {
			t.Errorf("%s: line %+v, set by %q", key, o.Line, o.LineSetBy)
		}
	}
	if o := order(t, d, tenant, "a"); o.Revision == before.Revision {
		t.Error("the order has the revision that a release may be armed with")
	}
	if e := storyOf(t, d, before)[0]; e.Kind != packaging.LineChanged || e.Old != "L9" || e.New != "Tubes" ||
		e.By.FullName != ghent.FullName {
		t.Errorf("timeline %+v", e)
	}
	if e := entries(t, d, tenant)[0]; e.Deed != packaging.LineAdopted || e.New != "Tubes" ||
		e.By.Username != "ghent-boss" {
		t.Errorf("history %+v", e)
	}
	if refresh(t, d, tenant, packaging.Refresh{Listed: all}) {
		t.Error("the next refresh changes something")
	}
	if _, err := d.AdoptLine(t.Context(), ghent, "L9", "Again"); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("again: %v", err)
	}
	if _, err := d.AdoptLine(
		t.Context(), boss(t, d, "basel"), "L8", "Theirs",
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("by another tenant: %v", err)
	}
}

func codesAndNames(lines []packaging.Line) (all []string) {
	for _, l := range lines {
		all = append(all, l.Code+" "+l.Name)
	}
	return all
}

func TestARetiredLineTakesNoOrders(t *testing.T) {
	d, ghent, l1, l2, a := twoLines(t)
	if _, err := d.write.ExecContext(t.Context(), `UPDATE lines SET retired = 1 WHERE id = ?`, l2.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.SetOrderLine(t.Context(), ghent, a.ID, l1.ID, l2.ID); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("set: %v", err)
	}
}

func TestAnImportLeavesALineAloneThatAPersonSet(t *testing.T) {
	d, ghent, l1, l2, a := twoLines(t)
	a = setLine(t, d, ghent, a, l2.ID)
	imports(t, d, ghent, packaging.Facts{Key: "a", LineCode: "L1", Lot: "NEW"})
	if now := order(t, d, ghent.Tenant.ID, "a"); now.Line.ID != l2.ID || now.LineSetBy != ghent.FullName ||
		now.Lot != "NEW" {
		t.Errorf("after the import: line %+v set by %q, lot %s", now.Line, now.LineSetBy, now.Lot)
	}
	if now := setLine(t, d, ghent, a, 0); now.Line.ID != l1.ID || now.LineSetBy != "" {
		t.Errorf("not set any more: line %+v", now.Line)
	}
}

// A supervisor of one line must not make an order theirs that the API gives to another line.
func TestALineThatSomebodyLimitedGaveYieldsToAnAPILineThatIsNotTheirs(t *testing.T) {
	said := func(line string) packaging.Facts {
		f := facts("b")
		f.LineCode = line
		return f
	}
	for _, test := range []struct {
		name  string
		reach []string // the lines of who imports the order for L1 before the API lists it; none: all
		says  []string // what the API then says of its line, refresh by refresh
		want  []string // the order's line after each
	}{
		{
			"limited, and the API says another line",
			[]string{"L1"},
			[]string{"L2", "L1", "L2"},
			[]string{"L2", "L1", "L2"},
		},
		{"limited, and the API says a line that is not set up", []string{"L1"}, []string{"L9"}, []string{""}},
		{"limited to both", []string{"L1", "L2"}, []string{"L2", "L9"}, []string{"L1", ""}},
		{"not limited", nil, []string{"L2", "L9"}, []string{"L1", "L1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, ghent, l1, l2, _ := twoLines(t)
			ids := map[string]packaging.LineID{"L1": l1.ID, "L2": l2.ID}
			var limits []packaging.LineID
			for _, code := range test.reach {
				limits = append(limits, ids[code])
			}
			imports(t, d, become(t, d, ghent, ghent.Role, limits...), packaging.Facts{Key: "b", LineCode: "L1"})
			become(t, d, ghent, ghent.Role)
			for i, line := range test.says {
				refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{said(line)}})
				if o := order(t, d, ghent.Tenant.ID, "b"); o.Line.Code != test.want[i] {
					t.Errorf("the API says %s: it is for %q", line, o.Line.Code)
				}
			}
			id := order(t, d, ghent.Tenant.ID, "b").ID
			all, err := d.ImportedFactsOf(t.Context(), ghent.Scope(), []packaging.OrderID{id})
			given := all[id]
			if err != nil || len(given) != 1 || given[0].Value != "L1" ||
				given[0].Overruled == (test.want[len(test.want)-1] == "L1") {
				t.Errorf("%+v, %v", given, err)
			}
		})
	}
}

func TestALineThatWasOverruledHoldsOnceSomebodyOfBothLinesImportsIt(t *testing.T) {
	d, ghent, l1, l2, _ := twoLines(t)
	row := packaging.Facts{Key: "b", LineCode: "L1"}
	imports(t, d, become(t, d, ghent, ghent.Role, l1.ID), row)
	listed := facts("b")
	listed.LineCode = "L2"
	refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{listed}})
	other := row
	other.Lot = "X"
	if _, err := d.Import(
		t.Context(), become(t, d, ghent, ghent.Role, l1.ID),
		packaging.ImportRequest{FileName: "x", Rows: numbered([]packaging.Facts{other})},
	); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("by somebody of L1 alone: %v", err)
	}
	imports(t, d, become(t, d, ghent, ghent.Role, l2.ID), packaging.Facts{Key: "b", Lot: "NEW"})
	if o := order(t, d, ghent.Tenant.ID, "b"); o.Line != l2 || o.LineCode != "L2" || o.Lot != "NEW" {
		t.Errorf("another fact brought the line back: %+v", o)
	}
	imports(t, d, become(t, d, ghent, ghent.Role, l1.ID, l2.ID), row)
	refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{listed}})
	if o := order(t, d, ghent.Tenant.ID, "b"); o.Line != l1 {
		t.Errorf("by somebody of both: %+v", o.Line)
	}
	// L1 has it now, but not by the word of who works there alone.
	third := packaging.Facts{Key: "b", LineCode: "L2"}
	if _, err := d.Import(
		t.Context(), become(t, d, ghent, ghent.Role, l1.ID),
		packaging.ImportRequest{FileName: "x", Rows: numbered([]packaging.Facts{third})},
	); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("given away: %v", err)
	}
}

func TestALineThatSomebodyLimitedSetEndsWithAnAPILineThatIsNotTheirs(t *testing.T) {
	d, ghent, l1, l2, a := twoLines(t)
	more := setup("ghent")
	more.Lines = append(more.Lines, packaging.Line{Code: "L3", Name: "Third"})
	if err := d.Provision(t.Context(), Site{more}); err != nil {
		t.Fatal(err)
	}
	setLine(t, d, become(t, d, ghent, ghent.Role, l1.ID, l2.ID), a, l2.ID)
	refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{facts("a")}})
	if a = order(t, d, ghent.Tenant.ID, "a"); a.Line != l2 {
		t.Errorf("the API says what it said: %+v", a.Line)
	}
	third := facts("a")
	third.LineCode = "L3"
	refresh(t, d, ghent.Tenant.ID, packaging.Refresh{Listed: []packaging.Facts{third}})
	if a = order(t, d, ghent.Tenant.ID, "a"); a.Line.Code != "L3" || a.LineSetBy != "" || !a.LineSetAt.IsZero() {
		t.Errorf("the API says a line that is not theirs: %+v, set by %q", a.Line, a.LineSetBy)
	}
	// Somebody who works on all of them gives it to L1: who works on L1 and L2 does not pass it on, since the API says
	// L3.
	a = setLine(t, d, become(t, d, ghent, ghent.Role), a, l1.ID)
	if err := d.SetOrderLine(
		t.Context(), become(t, d, ghent, ghent.Role, l1.ID, l2.ID), a.ID, l1.ID, l2.ID,
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("passed on: %v", err)
	}
}
