package browser

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// log collects what the browser reports while the test does something else.
type log struct {
	sync.Mutex
	errors []string
	hosts  map[string]bool
	marks  int
	seen   chan struct{} // closed when the latest mark comes by
}

// A mark is a line on the page's own console. Events come in order: once it is seen, so is all that was reported before
// it.
const mark = "a mark of the test, number "

func (l *log) listen(tab *rod.Page) {
	l.hosts = map[string]bool{}
	wait := tab.EachEvent(
		l.console,
		func(e *proto.RuntimeExceptionThrown) {
			text := e.ExceptionDetails.Text
			if e.ExceptionDetails.Exception != nil {
				text = cmp.Or(e.ExceptionDetails.Exception.Description, text)
			}
			l.fail("exception: " + text)
		},
		// Requests that failed or were answered with 400 or above, and violations of the content security policy.
		func(e *proto.LogEntryAdded) {
			if e.Entry.Level == proto.LogLogEntryLevelError {
				l.fail(strings.TrimSpace(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)))
			}
		},
		func(e *proto.NetworkRequestWillBeSent) {
			if address, err := url.Parse(e.Request.URL); err == nil && address.Host != "" {
				l.Lock()
				defer l.Unlock()
				l.hosts[address.Host] = true
			}
		},
	)
	go wait()
}

func (l *log) fail(text string) {
	l.Lock()
	defer l.Unlock()
	l.errors = append(l.errors, text)
}

func (l *log) console(e *proto.RuntimeConsoleAPICalled) {
	var words []string
	for _, argument := range e.Args {
		if argument.Type == proto.RuntimeRemoteObjectTypeString {
			words = append(words, argument.Value.Str())
		} else {
			words = append(words, cmp.Or(argument.Description, argument.Value.String()))
		}
	}
	text := strings.Join(words, " ")
	switch e.Type {
	case proto.RuntimeConsoleAPICalledTypeError, proto.RuntimeConsoleAPICalledTypeAssert:
		l.fail("console: " + text)
	case proto.RuntimeConsoleAPICalledTypeDebug:
		l.Lock()
		defer l.Unlock()
		if l.seen != nil && text == fmt.Sprint(mark, l.marks) {
			close(l.seen)
			l.seen = nil
		}
	}
}

// catchUp waits until all that the browser has reported so far is in the log.
func (p *Page) catchUp() {
	p.t.Helper()
	l := &p.state.log
	l.Lock()
	l.marks++
	seen := make(chan struct{})
	l.seen = seen
	text := fmt.Sprint(mark, l.marks)
	l.Unlock()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	if err := eval(tab, "console.debug("+quote(text)+")", nil); err != nil {
		p.fail("read the browser's log: %v", err)
	}
	select {
	case <-seen:
	case <-tab.GetContext().Done():
		p.fail("the browser's log did not come within %v", Patience)
	}
}

// ConsoleErrors is what went wrong on all pages of this window so far: errors on the console, exceptions, violations of
// the content security policy, and requests that failed or were answered with 400 or above.
func (p *Page) ConsoleErrors() []string {
	p.t.Helper()
	p.catchUp()
	p.state.log.Lock()
	defer p.state.log.Unlock()
	return slices.Clone(p.state.log.errors)
}

// Hosts are the hosts (with their ports) that this window has sent requests to so far, sorted.
func (p *Page) Hosts() []string {
	p.t.Helper()
	p.catchUp()
	p.state.log.Lock()
	defer p.state.log.Unlock()
	return slices.Sorted(maps.Keys(p.state.log.hosts))
}
