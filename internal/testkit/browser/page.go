package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// Page is a window, or by [Page.In] a part of what it shows. A helper that can't do what it is told fails the test, and
// says what the page showed instead.
type Page struct {
	t      TB
	tab    *rod.Page
	within []string // selectors, each inside the one before
	state  *state
	// patience ends a wait, after a try that found something missing. It is Patience, but for the tests of this
	// package.
	patience time.Duration
}

// state is what a window and the parts of it share.
type state struct {
	noScript bool
	medium   string            // what pages are shown on, empty for a screen
	prefers  map[string]string // what the machine asks of pages
	log      log
}

// In narrows what Click, Fill, Choose, See, Gone, Text, All and Axe look at to the first element that fits the
// selector.
func (p *Page) In(selector string) *Page {
	part := *p
	part.within = append(append([]string(nil), p.within...), selector)
	return &part
}

// Goto opens an address and waits until it is loaded, whatever its status is.
func (p *Page) Goto(address string) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	before, err := proto.PageGetFrameTree{}.Call(tab)
	if err != nil {
		p.fail("go to %s: %v", address, err)
	}
	answer, err := proto.PageNavigate{URL: address}.Call(tab)
	if err != nil {
		p.fail("go to %s: %v", address, err)
	}
	if answer.ErrorText != "" {
		p.fail("go to %s: %s", address, answer.ErrorText)
	}
	p.until(address+" to load", func(tab *rod.Page) (string, error) {
		// The answer comes before the new document is there, and the old one was complete as well. A step within one
		// document has no loader.
		now, err := proto.PageGetFrameTree{}.Call(tab)
		if err != nil {
			return "", err
		}
		if answer.LoaderID != "" && now.FrameTree.Frame.LoaderID == before.FrameTree.Frame.LoaderID {
			return "the browser is still where it was", nil
		}
		var state string
		if err := eval(tab, "document.readyState", &state); err != nil || state == "complete" {
			return "", err
		}
		return "it is " + state, nil
	})
}

// Give gives the window cookies that a site has set elsewhere.
func (p *Page) Give(address string, cookies []*http.Cookie) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	for _, c := range cookies {
		set := proto.NetworkSetCookie{Name: c.Name, Value: c.Value, URL: address, HTTPOnly: true}
		if _, err := set.Call(tab); err != nil {
			p.fail("set the cookie %s: %v", c.Name, err)
		}
	}
}

// URL is the address that the window shows now. After a click the browser needs a moment: see [Page.At].
func (p *Page) URL() string {
	p.t.Helper()
	var address string
	p.Eval("location.href", &address)
	return address
}

// At waits until the window shows this path; with a "?" in it, path and query must be the same.
func (p *Page) At(path string) {
	p.t.Helper()
	p.until("the address "+path, func(tab *rod.Page) (string, error) {
		var href string
		if err := eval(tab, "location.href", &href); err != nil {
			return "", err
		}
		address, err := url.Parse(href)
		if err != nil {
			return "", err
		}
		got := address.Path
		if strings.Contains(path, "?") {
			got = address.RequestURI()
		}
		if got != path {
			return "the window is at " + address.RequestURI(), nil
		}
		return "", nil
	})
}

// See waits until the text can be read on the page: not hidden, and with any white space between its words.
func (p *Page) See(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the text %q", text), func(tab *rod.Page) (string, error) {
		seen, err := p.visibleText(tab)
		if err != nil || strings.Contains(seen, squeeze(text)) {
			return "", err
		}
		return "it is not there", nil
	})
}

// Gone waits until the text can't be read on the page any more.
func (p *Page) Gone(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the text %q to go", text), func(tab *rod.Page) (string, error) {
		seen, err := p.visibleText(tab)
		if err != nil || !strings.Contains(seen, squeeze(text)) {
			return "", err
		}
		return "it is still there", nil
	})
}

// Text waits for a visible element that fits the selector, and gives its text, with one space between words.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	var text string
	p.until("a visible element "+selector, func(tab *rod.Page) (string, error) {
		all, err := p.texts(tab, selector)
		if err != nil {
			return "", err
		}
		if len(all) == 0 {
			return "there is none", nil
		}
		text = all[0]
		return "", nil
	})
	return text
}

// All gives the text of each visible element that fits the selector now, in the order of the page; it does not wait.
func (p *Page) All(selector string) []string {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	all, err := p.texts(tab, selector)
	if err != nil {
		p.fail("read all %s: %v", selector, err)
	}
	return all
}

// Eval reads what no other helper tells: the value of a JavaScript expression, once its promise is kept, as
// [encoding/json] would decode it into the pointer given.
func (p *Page) Eval(expression string, into any) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	if err := eval(tab, expression, into); err != nil {
		p.fail("evaluate %s: %v", expression, err)
	}
}

// Leave evaluates an expression that leads to another page. The page may be gone before it has answered.
func (p *Page) Leave(expression string) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	if err := eval(tab, expression, nil); err != nil && !strings.Contains(err.Error(), "navigated or closed") {
		p.fail("evaluate %s: %v", expression, err)
	}
}

// Holds waits until a JavaScript expression is true.
func (p *Page) Holds(expression string) {
	p.t.Helper()
	p.until(expression, func(tab *rod.Page) (string, error) {
		var holds bool
		if err := eval(tab, expression, &holds); err != nil || holds {
			return "", err
		}
		return "it is false", nil
	})
}

// Overflow tells whether the page is wider than the window, so that a person would have to scroll sideways.
func (p *Page) Overflow() (wide bool) {
	p.t.Helper()
	p.until("the width of the page", func(tab *rod.Page) (string, error) {
		return "", eval(tab, "document.documentElement.scrollWidth > document.documentElement.clientWidth", &wide)
	})
	return wide
}

// Viewport sets the size of the window, in CSS pixels.
func (p *Page) Viewport(width, height int) {
	p.t.Helper()
	if err := p.viewport(width, height, 1); err != nil {
		p.fail("set the window's size: %v", err)
	}
}

// Zoom enlarges what a window of this size shows, 2 being 200 %: fewer CSS pixels, of more dots each.
func (p *Page) Zoom(width, height, factor int) {
	p.t.Helper()
	if err := p.viewport(width/factor, height/factor, factor); err != nil {
		p.fail("zoom: %v", err)
	}
}

func (p *Page) viewport(width, height, dots int) error {
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	return proto.EmulationSetDeviceMetricsOverride{
		Width: width, Height: height, DeviceScaleFactor: float64(dots),
	}.Call(tab)
}

// Dark says whether the person prefers dark pages.
func (p *Page) Dark(on bool) {
	p.t.Helper()
	if err := p.dark(on); err != nil {
		p.fail("set the colour scheme: %v", err)
	}
}

// dark is set either way in every window: what the machine prefers must not matter.
func (p *Page) dark(on bool) error {
	p.state.medium, p.state.prefers = "", map[string]string{"prefers-color-scheme": "light"}
	if on {
		p.state.prefers["prefers-color-scheme"] = "dark"
	}
	return p.emulate()
}

// Prefers sets what the person's machine asks of pages, as CSS asks for it ("prefers-contrast", "more"), until the
// light is set anew. An empty value asks for nothing.
func (p *Page) Prefers(feature, value string) {
	p.t.Helper()
	p.state.prefers[feature] = value
	if err := p.emulate(); err != nil {
		p.fail("set %s: %v", feature, err)
	}
}

// Paper lays pages out as they are printed, until [Page.Dark] is told.
func (p *Page) Paper() {
	p.t.Helper()
	p.state.medium = "print"
	if err := p.emulate(); err != nil {
		p.fail("lay the page out for paper: %v", err)
	}
}

func (p *Page) emulate() error {
	var features []*proto.EmulationMediaFeature
	for name, value := range p.state.prefers {
		features = append(features, &proto.EmulationMediaFeature{Name: name, Value: value})
	}
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	return proto.EmulationSetEmulatedMedia{Media: p.state.medium, Features: features}.Call(tab)
}

// PDF gives the page as it is printed on A4.
func (p *Page) PDF() []byte {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	wide, high := 210/25.4, 297/25.4
	printed, err := proto.PagePrintToPDF{PaperWidth: &wide, PaperHeight: &high, PreferCSSPageSize: true}.Call(tab)
	if err != nil {
		p.fail("print: %v", err)
	}
	return printed.Data
}

// Touch makes the window that of a tablet: fingers instead of a mouse ("pointer: coarse", "hover: none").
func (p *Page) Touch() {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	fingers := 5
	if err := (proto.EmulationSetTouchEmulationEnabled{Enabled: true, MaxTouchPoints: &fingers}).Call(tab); err != nil {
		p.fail("set touch: %v", err)
	}
}

// NoScript turns the scripts of pages off, from the next page on. The helpers go on working.
func (p *Page) NoScript() {
	p.t.Helper()
	if err := p.scripts(false); err != nil {
		p.fail("turn scripts off: %v", err)
	}
	p.state.noScript = true
}

func (p *Page) scripts(on bool) error {
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	return proto.EmulationSetScriptExecutionDisabled{Value: !on}.Call(tab)
}

// Lack takes a function such as "AbortSignal.timeout" away from every page to come: older browsers lack it.
func (p *Page) Lack(function string) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	if _, err := (proto.PageAddScriptToEvaluateOnNewDocument{Source: "delete " + function}).Call(tab); err != nil {
		p.fail("take %s away: %v", function, err)
	}
}

// Device gives every page to come a device whose clock is ahead of the true time, and that is set to a time zone.
func (p *Page) Device(ahead time.Duration, zone string) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	source := fmt.Sprintf(`(() => {
		const True = Date, ahead = %d;
		globalThis.Date = class extends True {
			constructor(...given) { super(...given.length ? given : [True.now() + ahead]); }
			static now() { return True.now() + ahead; }
		};
	})()`, ahead.Milliseconds())
	if _, err := (proto.PageAddScriptToEvaluateOnNewDocument{Source: source}).Call(tab); err != nil {
		p.fail("set the device's clock: %v", err)
	}
	if err := (proto.EmulationSetTimezoneOverride{TimezoneID: zone}).Call(tab); err != nil {
		p.fail("set the device's time zone: %v", err)
	}
}

// Offline lets every request from now on fail, as without a network, or gives the network back. A stream that is open
// already goes on: it can be cut at the server's end.
func (p *Page) Offline(on bool) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	const unlimited = -1
	if err := (proto.NetworkEmulateNetworkConditions{
		Offline: on, DownloadThroughput: unlimited, UploadThroughput: unlimited,
	}).Call(tab); err != nil {
		p.fail("set the network: %v", err)
	}
}

// Screenshot writes what the window shows, once its fonts are there, as a PNG file; folders are made as needed.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	p.until("fonts to load", func(tab *rod.Page) (string, error) {
		var status string
		if err := eval(tab, "document.fonts.status", &status); err != nil || status == "loaded" {
			return "", err
		}
		return "they are " + status, nil
	})
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	picture, err := proto.PageCaptureScreenshot{Format: proto.PageCaptureScreenshotFormatPng}.Call(tab)
	if err != nil {
		p.fail("take a picture: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.fail("take a picture: %v", err)
	}
	if err := os.WriteFile(path, picture.Data, 0o644); err != nil {
		p.fail("take a picture: %v", err)
	}
}

// Between two tries a wait pauses for longer and longer: what takes long is not made longer by being asked about.
const (
	firstPause = 10 * time.Millisecond
	maxPause   = 160 * time.Millisecond
)

// until tries until nothing is missing any more. An error is no reason to stop: while one page gives way to the next,
// questions go wrong.
func (p *Page) until(what string, try func(tab *rod.Page) (missing string, err error)) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	impatient := time.Now().Add(p.patience)
	pause := firstPause
	last := "the browser did not answer"
	for {
		missing, err := try(tab)
		switch {
		case tab.GetContext().Err() != nil:
			// The time ran out within the try, and its error is about that. The try before tells more.
			p.fail("waited %v for %s: %s", Patience, what, last)
		case err != nil:
			last = err.Error()
		case missing != "":
			last = missing
		default:
			return
		}
		if time.Now().After(impatient) {
			p.fail("waited %v for %s: %s", p.patience, what, last)
		}
		time.Sleep(pause)
		pause = min(2*pause, maxPause)
	}
}

// fail ends the test, and says where the window is and what can be read there.
func (p *Page) fail(format string, args ...any) {
	p.t.Helper()
	tab := p.tab.Timeout(time.Second)
	defer tab.CancelTimeout()
	var href string
	page, err := new(Page).visibleText(tab)
	if err == nil {
		err = eval(tab, "location.href", &href)
	}
	if err != nil {
		page = "nothing that could be read: " + err.Error()
	}
	const enough = 1500
	if len(page) > enough {
		page = strings.ToValidUTF8(page[:enough], "") + "…"
	}
	p.t.Fatalf("browser: %s\nThe window is at %s and says:\n%s", fmt.Sprintf(format, args...), href, page)
}

// root is the expression for what the helpers look at: the document, or a part of it, which may be missing (null).
func (p *Page) root() string {
	expression := "document"
	for _, selector := range p.within {
		expression += "?.querySelector(" + quote(selector) + ")"
	}
	return "(" + expression + " ?? null)"
}

const visible = "checkVisibility({visibilityProperty: true})"

func (p *Page) visibleText(tab *rod.Page) (string, error) {
	var text string
	// The innerText of an element that is not shown is all its text, hidden as it is.
	err := eval(tab, `(root => {
		const element = root === document ? document.body : root;
		return element?.`+visible+` ? element.innerText : "";
	})(`+p.root()+`)`, &text)
	return squeeze(text), err
}

func (p *Page) texts(tab *rod.Page, selector string) ([]string, error) {
	var all []string
	err := eval(tab, `[...(`+p.root()+`?.querySelectorAll(`+quote(selector)+`) ?? [])]
		.filter(element => element.`+visible+`).map(element => element.innerText ?? element.textContent)`, &all)
	for i, text := range all {
		all[i] = squeeze(text)
	}
	return all, err
}

// eval needs no permission from the page's content security policy, and works with its scripts turned off.
func eval(tab *rod.Page, expression string, into any) error {
	answer, err := proto.RuntimeEvaluate{Expression: expression, ReturnByValue: true, AwaitPromise: true}.Call(tab)
	if err != nil {
		return err
	}
	if answer.ExceptionDetails != nil {
		return exception(answer.ExceptionDetails)
	}
	if into == nil {
		return nil
	}
	return answer.Result.Value.Unmarshal(into)
}

func exception(details *proto.RuntimeExceptionDetails) error {
	if details.Exception != nil && details.Exception.Description != "" {
		return errors.New(details.Exception.Description)
	}
	return errors.New(details.Text)
}

// quote makes a JavaScript string of a text: JSON is one.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(quoted)
}

func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }
