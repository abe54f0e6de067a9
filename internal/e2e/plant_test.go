package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/browser"
	house "lineboard/internal/testkit/site"
)

// plantFile is a plant of twelve lines with orders as people have them, and some that are nasty: IDs of 3 to 255
// characters, products of 80, lots of 20.
//
//go:embed testdata/plant.json
var plantFile []byte

// plantData reads the file.
func plantData(t *testing.T) (lines []packaging.Line, orders []sandbox.Order) {
	t.Helper()
	var file struct {
		Lines  []packaging.Line
		Orders []struct {
			sandbox.Order
			Line string
		}
	}
	if err := json.Unmarshal(plantFile, &file); err != nil {
		t.Fatal(err)
	}
	for _, o := range file.Orders {
		o.LineCode = o.Line
		orders = append(orders, o.Order)
	}
	return file.Lines, orders
}

// newPlant puts that plant up, with a line in each of the states that a release can leave it in.
func newPlant(t *testing.T) exhibition {
	t.Helper()
	lines, orders := plantData(t)
	for i := range 8 { // all states at once need more than the file has
		o := orders[1]
		o.ID, o.LineCode, o.Serials = fmt.Sprintf("PO-2026-11910%d", i), "BL-07", nil
		o.Product = "Amoxicillin trihydrate/potassium clavulanate 875 mg/125 mg film-coated tablets, 14"
		orders = append(orders, o)
	}
	h := house.New(t, house.Options{
		// Sequences run on as long as somebody looks at them.
		Orders: orders, Patience: time.Second, Limits: manufacturer.Limits{Release: 10 * time.Minute},
	})
	setup := h.Setup("ghent")
	setup.Lines = lines
	if err := h.Store.Provision(t.Context(), db.Site{setup}); err != nil {
		t.Fatal(err)
	}
	h.Refresh()
	e := exhibition{h, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}, t}
	to := packaging.Destination{
		Name: "Line PC", Kind: packaging.PullDestination, Format: packaging.JSONFormat, LateAfter: time.Minute, GiveUp: time.Hour,
	}
	to.Line.Code = "BL-07" // no PC takes its lists
	if _, err := h.Store.AddDestination(t.Context(), h.Person("administrator1"), to, secret.Text{}); err != nil {
		t.Fatal(err)
	}
	b := h.SignIn("supervisor1")
	release := func(kind sandbox.Kind, keys ...string) {
		t.Helper()
		for _, key := range keys {
			if kind != "" {
				h.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: kind, Times: 1})
			}
			o := h.Order(key)
			b.Post(fmt.Sprintf("/orders/%d/release", o.ID), "revision", fmt.Sprint(o.Revision))
			if kind == sandbox.CutAfter {
				h.Clock.Move(time.Minute)
				b.Post(e.order(key) + "/ask") // it is out, without its list
			}
		}
	}
	suspend := func(key string) {
		h.Box.SetStatus(key, sandbox.Suspended)
		release("", key)
		h.Box.SetStatus(key, sandbox.PendingRelease)
	}
	start := func(line string, keys ...string) {
		t.Helper()
		var picks []string
		for _, key := range keys {
			o := h.Order(key)
			picks = append(picks, fmt.Sprintf("%d.%d", o.ID, o.Revision))
		}
		b.Post("/lines/"+line+"/queue", "pick", strings.Join(picks, ","))
	}
	release(sandbox.CutAfter, "PO-2026-110007", "PO-2026-110008", "PO-2026-119100", "PO-2026-119101")
	release("", "PO-2026-119102", "PO-2026-119103")
	suspend("PO-2026-110012")
	suspend("PO-2026-119104")
	release(sandbox.HTML, "000010447017")
	h.Box.SetStatus("PO-2026-110028", sandbox.Suspended)
	start("L6", "PO-2026-110027", "PO-2026-110028", "PO-2026-110029")
	e.stopped("L6")
	h.Box.SetStatus("PO-2026-110028", sandbox.PendingRelease)
	h.Clock.Move(2 * time.Minute)
	h.Refresh()
	for range 2 {
		h.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.HTML, Times: 1, Delay: time.Hour})
	}
	start("L5", "PO-2026-110022", "PO-2026-110023")
	start("BL-07", "PO-2026-119105", "PO-2026-119106")
	t.Cleanup(h.Remote.CloseClientConnections)
	b.Post("/lines/BL-07/notes", "words", "Carton jam at 05:58, cleared by maintenance. Reject bin emptied.")
	return e
}

// stopped waits until the sequence of a line has ended.
func (e exhibition) stopped(line string) {
	e.t.Helper()
	in := packaging.Everything(e.Tenant("ghent").ID)
	l := must(e.Store.Line(e.t.Context(), in, line))
	for limit := time.Now().Add(browser.Patience); must(
		e.Store.Queue(e.t.Context(), in, l.ID),
	).Running(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			e.t.Fatalf("the sequence of %s runs on", line)
		}
	}
}
