package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
)

// manySerials is an order with a list of 1,234, two of which differ in their case alone.
func manySerials() (sandbox.Order, []string) {
	var serials []string
	for i := range 1234 {
		serials = append(serials, fmt.Sprintf("%06dxYz%s", i*7919%1000000, strings.Repeat("Q", min(i%10, 1)+i%10/9)))
	}
	serials[1], serials[777] = "aBcDeFgHiJkL", "AbCdEfGhIjKl"
	o := sandbox.Order143(time.Now())
	o.ID, o.Lot, o.Quantity, o.ExtraPercent, o.Serials = "Order1234", "MANY", len(serials), 0, serials
	return o, serials
}

// pages is what leafs through a list.
const pages = `nav[aria-label="Pages"]`

// withManySerials is somebody in front of the list of a released order, and the list.
func withManySerials(t *testing.T) (person, []string) {
	t.Helper()
	order, serials := manySerials()
	p := signedIn(t, newSite(t, []sandbox.Order{order}), "supervisor1")
	p.open(order.ID)
	p.release(order.ID)
	list := p.path() + "/serials"
	p.Click("See all 1,234 serial numbers")
	p.At(list)
	p.whole()
	return p, serials
}

func TestALongListIsLeafedThroughAndSearched(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	p, want := withManySerials(t)
	p.See("1,234 serial numbers")
	p.See("as many as expected")
	list := p.path()
	if diff := cmp.Diff(want, p.leafThrough()); diff != "" {
		t.Errorf("all pages together (-want +got):\n%s", diff)
	}
	p.Click("First page")
	p.At(list)

	for text, found := range map[string][]string{"cDeF": {"aBcDeFgHiJkL"}, "CdEf": {"AbCdEfGhIjKl"}, "cdef": nil} {
		p.Fill("Find in the list", text)
		p.Click("Find")
		p.At(list + "?q=" + text)
		p.See("Serial numbers that contain “" + text + "”")
		if found == nil {
			p.See("No serial number of this list contains that.")
			p.See("Check upper and lower case: it matters in serial numbers.")
		} else if diff := cmp.Diff(found, p.serials()); diff != "" {
			t.Errorf("searching for %q (-want +got):\n%s", text, diff)
		}
	}
	p.Click("Show all")
	p.At(list)

	// A search that has pages goes on with what was searched for.
	var long []string
	for _, serial := range want {
		if strings.Contains(serial, "zQQ") {
			long = append(long, serial)
		}
	}
	p.Fill("Find in the list", "zQQ")
	p.Click("Find")
	p.At(list + "?q=zQQ")
	if diff := cmp.Diff(long, p.leafThrough()); diff != "" {
		t.Errorf("all pages of a search (-want +got):\n%s", diff)
	}
	if !p.offers("First page") || len(long) != 123 {
		t.Errorf("the search for %d serials has one page", len(long))
	}
	p.clean()
}

// leafThrough gives the serials of all pages from this one on.
func (p person) leafThrough() []string {
	p.t.Helper()
	all := p.serials()
	for n := 1; p.offers("Next page"); n++ {
		if n > 100 {
			p.t.Fatal("the list has no end")
		}
		p.leaveBy(func() { p.In(pages).Click("Next page") })
		all = append(all, p.serials()...)
	}
	return all
}

// listenForCopies notes what the page gives to the clipboard, whichever way it goes. Without the newer way, a page is
// as it is for a tablet that reaches the site by plain HTTP.
func (p person) listenForCopies(newerWay bool) {
	p.t.Helper()
	p.Eval(`(newer => {
		window.copies = [];
		document.addEventListener("copy", event => {
			const set = event.clipboardData.getData("text/plain");
			const field = document.activeElement;
			const selected = /^(TEXTAREA|INPUT)$/.test(field?.tagName)
				? field.value.slice(field.selectionStart, field.selectionEnd) : getSelection().toString();
			window.copies.push(set || selected);
		});
		if (!newer) {
			Object.defineProperty(navigator, "clipboard", {value: undefined});
			return;
		}
		const write = navigator.clipboard.writeText.bind(navigator.clipboard);
		navigator.clipboard.writeText = async text => { await write(text); window.copies.push(text); };
		const whole = navigator.clipboard.write.bind(navigator.clipboard);
		navigator.clipboard.write = async items => {
			await whole(items);
			window.copies.push(await (await items[0].getType("text/plain")).text());
		};
	})(`+fmt.Sprint(newerWay)+`)`, nil)
}

func (p person) copies() (all []string) {
	p.t.Helper()
	p.Eval("window.copies", &all)
	return all
}

func TestSerialsAreCopiedAsTheyAre(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	p, want := withManySerials(t)
	for _, newerWay := range []bool{true, false} {
		p.reload()
		p.listenForCopies(newerWay)
		p.Click("Copy aBcDeFgHiJkL")
		p.See("Copied")
		if got := p.copies(); !slices.Equal(got, []string{"aBcDeFgHiJkL"}) {
			t.Errorf("newer way %v: copying one gives %q", newerWay, got)
		}
		p.Click("Copy all")
		p.See("1,234 serial numbers copied")
		got := p.copies()
		if len(got) != 2 {
			t.Fatalf("newer way %v: %d texts were copied, want 2", newerWay, len(got))
		}
		if diff := cmp.Diff(
			want, strings.Split(strings.TrimSuffix(strings.ReplaceAll(got[1], "\r\n", "\n"), "\n"), "\n"),
		); diff != "" {
			t.Errorf("newer way %v: copying all (-want +got):\n%s", newerWay, diff)
		}
	}
	p.clean()
}

func TestSerialsThatAreSelectedAreAsTheyAre(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	p, want := withManySerials(t)
	for _, size := range everySize {
		p.Viewport(size.width, size.height)
		var one, some string
		p.Eval(
			`(() => { getSelection().selectAllChildren(document.querySelectorAll("ol.serials code")[1]); return getSelection().toString(); })()`,
			&one,
		)
		if one != want[1] {
			t.Errorf("at %d×%d a serial that is selected reads %q, want %q", size.width, size.height, one, want[1])
		}
		p.Eval(`(() => {
			const cells = document.querySelectorAll("ol.serials code");
			getSelection().setBaseAndExtent(cells[0], 0, cells[2], cells[2].childNodes.length);
			return getSelection().toString();
		})()`, &some)
		if got := strings.Fields(some); !slices.Equal(got, want[:3]) {
			t.Errorf(
				"at %d×%d three serials that are selected read %q, want %q", size.width, size.height, some, want[:3],
			)
		}
	}
}
