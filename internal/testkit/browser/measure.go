package browser

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// Slow has the window work as on a machine whose processor is so many times slower.
func (p *Page) Slow(times float64) {
	p.t.Helper()
	if err := (proto.EmulationSetCPUThrottlingRate{Rate: times}).Call(p.tab); err != nil {
		p.fail("be slow: %v", err)
	}
}

// Forget has the window forget what it keeps of a site, as one that was never there; it stays signed in.
func (p *Page) Forget(address string) {
	p.t.Helper()
	err := errors.Join(
		proto.NetworkClearBrowserCache{}.Call(p.tab),
		proto.StorageClearDataForOrigin{
			Origin: address, StorageTypes: "service_workers,cache_storage,local_storage,indexeddb",
		}.Call(p.tab),
	)
	if err != nil {
		p.fail("forget: %v", err)
	}
}

// Visit is how opening a page went.
type Visit struct {
	FirstPaint  time.Duration // until something of the page could be seen
	Interactive time.Duration // until its scripts had run and it did nothing for 50 ms or longer at a time
	Shift       float64       // how much its layout moved, as browsers count it; 0 where nothing did
}

// watchWork notes what a page does while it loads: work that keeps it from reacting, and what moves.
const watchWork = `window.worked = {until: 0, shift: 0};
new PerformanceObserver(list => { for (const e of list.getEntries()) worked.until = Math.max(worked.until, e.startTime + e.duration) })
	.observe({type: "longtask", buffered: true});
new PerformanceObserver(list => { for (const e of list.getEntries()) worked.shift += e.value })
	.observe({type: "layout-shift", buffered: true});`

// quiet is how long a page must do nothing before it is taken to be done.
const quiet = 300 * time.Millisecond

// Visit opens a page and measures it until it is done.
func (p *Page) Visit(address string) (v Visit) {
	p.t.Helper()
	watch, err := proto.PageAddScriptToEvaluateOnNewDocument{Source: watchWork}.Call(p.tab)
	if err != nil {
		p.fail("visit %s: %v", address, err)
	}
	defer func() {
		_ = proto.PageRemoveScriptToEvaluateOnNewDocument{Identifier: watch.Identifier}.Call(p.tab)
	}()
	p.Goto(address)
	p.until(address+" to be done", func(tab *rod.Page) (string, error) {
		var at struct{ Painted, Loaded, Worked, Now, Shift float64 }
		err := eval(tab, `({
			painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
			loaded: performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
			worked: worked.until, shift: worked.shift, now: performance.now()})`, &at)
		switch {
		case err != nil:
			return "", err
		case at.Painted == 0:
			return "nothing is painted", nil
		case at.Now-max(at.Worked, at.Loaded) < float64(quiet.Milliseconds()):
			return "it works", nil
		}
		v.FirstPaint = time.Duration(at.Painted * float64(time.Millisecond))
		v.Interactive = time.Duration(max(at.Painted, at.Loaded, at.Worked) * float64(time.Millisecond))
		v.Shift = at.Shift
		return "", nil
	})
	return v
}

// Tap puts a finger on the thing of this name and takes it off again. It says how long it was from then until the
// window showed anything of it: the first frame after the thing, or the form around it, changed. The page must stay:
// one that gives way to another first has no such frame.
func (p *Page) Tap(name string) (felt time.Duration) {
	p.t.Helper()
	var id proto.DOMBackendNodeID
	var at proto.Point
	p.until(fmt.Sprintf("%q, to tap it", name), func(tab *rod.Page) (missing string, err error) {
		if id, missing, err = p.find(tab, pressable, name); err != nil || missing != "" {
			return missing, err
		}
		at, missing, err = reach(tab, id)
		return missing, err
	})
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	// The page may give way to another one before it could be asked: it tells by itself.
	const binding = "felt"
	told := tab.EachEvent(func(e *proto.RuntimeBindingCalled) bool {
		took, err := strconv.ParseFloat(e.Payload, 64)
		felt = time.Duration(took * float64(time.Millisecond))
		return err == nil && e.Name == binding
	})
	var ready bool
	finger := []*proto.InputTouchPoint{{X: at.X, Y: at.Y}}
	err := errors.Join(
		proto.RuntimeAddBinding{Name: binding}.Call(tab),
		call(tab, id, &ready, `function () {
			let up;
			addEventListener("pointerup", e => up ??= e.timeStamp, {capture: true});
			new MutationObserver((_, observer) => {
				if (up === undefined) return;
				observer.disconnect();
				requestAnimationFrame(() => {
					const {port1, port2} = new MessageChannel();
					port1.onmessage = () => felt(String(performance.now() - up));
					port2.postMessage(0);
				});
			}).observe(this.closest("form") ?? this, {attributes: true, childList: true, characterData: true, subtree: true});
			return true;
		}`),
		proto.EmulationSetTouchEmulationEnabled{Enabled: true}.Call(tab),
		proto.InputDispatchTouchEvent{Type: proto.InputDispatchTouchEventTypeTouchStart, TouchPoints: finger}.Call(tab),
		proto.InputDispatchTouchEvent{
			Type: proto.InputDispatchTouchEventTypeTouchEnd, TouchPoints: []*proto.InputTouchPoint{},
		}.Call(tab),
	)
	if err != nil {
		p.fail("tap %q: %v", name, err)
	}
	if told(); felt == 0 {
		p.fail("tap %q: nothing showed", name)
	}
	return felt
}
