package e2e

import (
	"fmt"
	"testing"
	"time"

	"lineboard/internal/testkit/thorough"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	house "lineboard/internal/testkit/site"
)

// longRows is a workplace whose history and hand-over have IDs of 14, 20 and 255 characters, and products of 80.
func longRows(t *testing.T) (*house.Site, *site) {
	t.Helper()
	var orders []sandbox.Order
	for i := range 6 {
		for _, key := range []string{
			fmt.Sprintf("PO-2026-11000%d", i), fmt.Sprintf("00000004711-SERIAL-%d", i), longest(i),
		} {
			orders = append(orders, sandbox.Order{
				ID: key, LineCode: "L1", Status: sandbox.Suspended, Quantity: 25000, ExtraPercent: 2.5,
				Product: "Amoxicillin trihydrate/potassium clavulanate 875 mg/125 mg film-coated tablets, 14",
				GTIN:    "05412345100034", Lot: "LOTWITHTWENTYCHARS12", Expiry: "2029-02-17",
			})
		}
	}
	h := house.New(t, house.Options{Orders: orders})
	h.ThreeShifts("ghent")
	by := h.Person("supervisor1")
	for i, o := range orders {
		for _, outcome := range []packaging.Outcome{packaging.Unknown, packaging.Released} {
			if err := h.Store.Record(t.Context(), packaging.Entry{
				TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.ReleaseEnded, Outcome: outcome,
				Serials: int64(i) * 1000,
				OrderID: h.Order(o.ID).ID, OrderKey: o.ID, LineCode: "L1",
				LineName:   "Serialisation and aggregation line 7 (building B)",
				Message:    "Line controller did not confirm the serial list in time, and gave no reason for it",
				HTTPStatus: 504,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return h, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}
}

func longest(i int) string { return fmt.Sprintf("%0255d", 7000+i) }

// rowsInView counts the rows that are wholly in view, and lists those that are not 56 to 64 px high or break an ID.
const rowsInView = `(rows => ({
	seen: rows.filter(r => r.getBoundingClientRect().top >= 64 && r.getBoundingClientRect().bottom <= innerHeight).length,
	wrong: rows.filter(r => {
		const height = r.getBoundingClientRect().height, id = r.querySelector(".key bdi");
		return height < 55.9 || height > 64.1 || id && (id.getClientRects().length > 1 || id.textContent.length <= 20 && id.scrollWidth > id.clientWidth + 1 && getComputedStyle(id).display != "inline");
	}).map(r => r.innerText.slice(0, 60) + [r.querySelector(".key bdi")?.scrollWidth, r.querySelector(".key bdi")?.clientWidth, r.querySelector(".key bdi")?.textContent.length] + " " + r.getBoundingClientRect().height),
}))([...document.querySelectorAll(%q)])`

func TestRowsOfTheHistoryAreOfOneHeightAndEnoughAreInView(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	h, s := longRows(t)
	p := signedIn(t, s, "supervisor1")
	for _, language := range long {
		if err := h.Store.SetLanguage(t.Context(), h.Person("supervisor1").ID, string(language)); err != nil {
			t.Fatal(err)
		}
		p.Goto(s.address + "/history")
		for _, size := range inHand {
			p.Viewport(size.width, size.height)
			var got struct {
				Seen  int
				Wrong []string
			}
			p.Eval(fmt.Sprintf(rowsInView, ".history tbody tr:not(.day)"), &got)
			least := 8
			if size == phone {
				least = 4
			}
			if got.Seen < least || len(got.Wrong) > 0 || p.Overflow() {
				t.Errorf(
					"%s at %s: %d rows in view, want %d; of another height: %q", language, size, got.Seen, least, got.Wrong,
				)
			}
		}
	}
}

// A row of a shift has two lines or three, and a report names orders of 20 characters: no text leaves its row, no ID is
// broken.
func TestShiftsAndTheirReportsHoldTheirTextAtEverySize(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	h, s := longRows(t)
	p := signedIn(t, s, "supervisor1")
	for _, language := range long {
		if err := h.Store.SetLanguage(t.Context(), h.Person("supervisor1").ID, string(language)); err != nil {
			t.Fatal(err)
		}
		for _, page := range []string{"/shifts", shiftPage} {
			p.Goto(s.address + page)
			for _, size := range sizes {
				p.Viewport(size.width, size.height)
				p.settle()
				var wrong []string
				p.Eval(`[
					...[...document.querySelectorAll(".shift-row > *")].filter(e => {
						const own = e.getBoundingClientRect(), row = e.parentElement.getBoundingClientRect();
						return own.top < row.top || own.bottom > row.bottom;
					}),
					...[...document.querySelectorAll(".report-exceptions .key bdi")].filter(e => e.innerText.length <= 20 && e.offsetHeight > 40),
				].map(e => e.innerText)`, &wrong)
				if len(wrong) > 0 || p.Overflow() {
					t.Errorf("%s, %s at %s: %q do not fit; too wide: %v", language, page, size, wrong, p.tooWide())
				}
			}
		}
	}
}

// The way to sign stays in view while a long report is read, and what is signed takes one screen of scrolling.
func TestAShiftIsSignedWithinOneScreenOfScrolling(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	h, s := longRows(t)
	h.Clock.Move(8 * time.Hour)
	p := visitor(t, s)
	p.visit("/login")
	p.signIn("manager1")
	for _, language := range long {
		if err := h.Store.SetLanguage(t.Context(), h.Person("manager1").ID, string(language)); err != nil {
			t.Fatal(err)
		}
		for _, size := range inHand {
			p.Viewport(size.width, size.height)
			p.visit(shiftPage)
			p.whole()
			for _, place := range []string{"0", "document.documentElement.scrollHeight / 2", "document.documentElement.scrollHeight"} {
				var at struct{ Top, Bottom, Height float64 }
				p.Eval(`scrollTo({top: `+place+`, behavior: "instant"})`, nil)
				p.settle()
				p.Eval(`(({top, bottom}) => ({top, bottom, height: innerHeight}))(document.querySelector(".review-foot .button").getBoundingClientRect())`, &at)
				if at.Top < 64 || at.Bottom > at.Height {
					t.Errorf("%s at %s, scrolled to %s: Review and sign is at %v to %v", language, size, place, at.Top, at.Bottom)
				}
			}
			p.visit(shiftPage + "/sign")
			p.whole()
			var screens float64
			p.Eval(`document.documentElement.scrollHeight / innerHeight`, &screens)
			if screens > 2 {
				t.Errorf("%s at %s: what is signed takes %.1f screens", language, size, screens)
			}
			p.picture(fmt.Sprintf("sign-%s-%d", language, size.width))
		}
	}
}
