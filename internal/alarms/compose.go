package alarms

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// said is a message in words.
type said struct {
	subject string
	items   []item
	more    item // says how many items are beyond those that are written out; empty for none
}

// maxItems is how many alarms are written out for people. Teams and Slack refuse long messages, and nobody reads them.
const maxItems = 20

// written returns what is written out for people.
func (s said) written() []item {
	if s.more.head == "" {
		return s.items
	}
	return append(slices.Clone(s.items[:maxItems]), s.more)
}

// item is what a message says of one alarm.
type item struct {
	head string // what, where
	body string // since when, what to do
	link string // empty where the site has said no address
}

// compose writes a message in the language of the site. It names no serial number and no secret.
func compose(s packaging.AlarmSettings, m packaging.AlarmMessage) (out said) {
	ctx := text.With(context.Background(), text.In(text.Language(s.Language), m.Tenant.Location()))
	for _, i := range m.Items {
		out.items = append(out.items, itemOf(ctx, s, i))
	}
	switch len(m.Items) {
	case 0:
		out.subject = text.Say(ctx, "alarm.try_subject", "Site", m.Tenant.Name)
		out.items = []item{{text.Say(ctx, "alarm.try"), text.Say(ctx, "alarm.try_body"), s.Address}}
	case 1:
		out.subject = plain(m.Tenant.Name + ": " + out.items[0].head)
	default:
		out.subject = plain(text.Say(ctx, "alarm.several", "Site", m.Tenant.Name, "Count", len(m.Items)))
	}
	if more := len(out.items) - maxItems; more > 0 {
		out.more = item{text.Say(ctx, "alarm.more", "Count", more), text.Say(ctx, "alarm.more_do"), s.Address}
	}
	return out
}

func itemOf(ctx context.Context, s packaging.AlarmSettings, i packaging.AlarmItem) (out item) {
	f := i.Alarm.Fact
	parts := []string{text.Say(ctx, "alarm.kind_"+string(f.Kind))}
	if f.Line.Name != "" {
		parts = append(parts, f.Line.Name)
	}
	if f.OrderKey != "" {
		parts = append(parts, f.OrderKey)
	}
	out.head = plain(text.Say(ctx, "alarm.says_"+string(i.Says), "What", strings.Join(parts, " · ")))
	var lines []string
	switch {
	case f.Kind == packaging.AlarmEnding:
		lines = append(lines, text.Say(ctx, "alarm.last_day", "Day", text.Typed(ctx, f.Detail)))
	case !f.Since.IsZero():
		lines = append(lines, text.Say(ctx, "alarm.since", "At", text.Moment(ctx, f.Since)))
	}
	switch {
	case i.Says == packaging.AlarmOver:
		lines = append(lines, text.Say(ctx, "alarm.over_at", "At", text.Moment(ctx, i.At)))
	case i.Says == packaging.AlarmWithdrawn:
		lines = append(lines, text.Say(ctx, "alarm.withdrawn"))
	default:
		lines = append(lines, text.Say(ctx, "alarm.do_"+string(f.Kind)))
	}
	if f.Detail != "" && f.Kind != packaging.AlarmEnding {
		lines = append(lines, plain(f.Detail))
	}
	out.body = strings.Join(lines, "\n")
	if s.Address != "" {
		out.link = strings.TrimRight(s.Address, "/") + pathOf(f)
	}
	return out
}

// pathOf returns the page where somebody can do something about a fact.
func pathOf(f packaging.AlarmFact) string {
	switch {
	case f.OrderID != 0:
		return fmt.Sprintf("/orders/%d", f.OrderID)
	case f.Line.Code != "":
		return "/lines/" + url.PathEscape(f.Line.Code)
	case f.Kind == packaging.AlarmHandover:
		return "/shifts"
	case f.Kind.OfInstallation():
		return "/admin/data"
	case f.Kind == packaging.AlarmCredentials, f.Kind == packaging.AlarmEnding:
		return "/admin/connection"
	}
	return "/"
}

// plain takes control characters out of what comes from outside: a line break in a subject would begin another header.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// text is the whole message as plain text.
func (s said) text() string {
	var b strings.Builder
	for _, i := range s.written() {
		fmt.Fprintf(&b, "%s\n%s\n", i.head, i.body)
		if i.link != "" {
			fmt.Fprintf(&b, "%s\n", i.link)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func newID() string { return strings.ToLower(rand.Text()) }
