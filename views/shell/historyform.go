package shell

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"lineboard/internal/text"
)

// HistoryForm is the filter of the history, as typed.
type HistoryForm struct {
	Text, Line, Order, Serial, Person, Deed, Outcome string
	Exceptions                                       bool
	Shift                                            string // its name; without a day the latest of that name
	Day                                              string // of the site, as in "2026-11-23"
	From, To                                         string // of the site, as in "2026-11-23T06:00"
	Before, After                                    int64
}

// OnPage returns the form for another of its pages.
func (f HistoryForm) OnPage(before, after int64) HistoryForm {
	f.Before, f.After = before, after
	return f
}

func (f HistoryForm) query(path templ.SafeURL) templ.SafeURL {
	exceptions := ""
	if f.Exceptions {
		exceptions = "1"
	}
	return withQuery(path,
		"q", f.Text,
		"line", f.Line,
		"order", f.Order,
		"serial", f.Serial,
		"person", f.Person,
		"deed", f.Deed,
		"outcome", f.Outcome,
		"exceptions", exceptions,
		"shift", f.Shift,
		"day", f.Day,
		"from", f.From,
		"to", f.To,
		"before", NonZero(f.Before),
		"after", NonZero(f.After),
	)
}

// Query returns the form as a query without its page. It is empty for an empty form.
func (f HistoryForm) Query() string {
	f.Before, f.After = 0, 0
	return strings.TrimPrefix(string(f.query("")), "?")
}

// HistoryFormOf reads the form from a query.
func HistoryFormOf(q url.Values) HistoryForm {
	trimmed := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	return HistoryForm{
		Text:       trimmed("q"),
		Line:       q.Get("line"),
		Order:      trimmed("order"),
		Serial:     trimmed("serial"),
		Person:     q.Get("person"),
		Deed:       q.Get("deed"),
		Outcome:    q.Get("outcome"),
		Exceptions: q.Get("exceptions") != "",
		Shift:      q.Get("shift"),
		Day:        text.PlainDate(trimmed("day")),
		From:       text.PlainMoment(trimmed("from")),
		To:         text.PlainMoment(trimmed("to")),
	}
}
