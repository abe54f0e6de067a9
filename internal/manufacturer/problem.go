package manufacturer

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// problem is the error of a call.
type problem struct {
	packaging.CallError
	status packaging.Status // with WrongStatus
	body   []byte           // of the answer
	json   bool             // the body is a JSON object

	outage     bool // a sign that the cloud is down
	lasting    bool // not worth another try
	retryAfter time.Duration
}

// provesNotDone reports whether the problem proves that a release was not carried out: the API says so in words that it
// documents, or nothing was sent. Other words prove nothing, whatever their HTTP status.
func (p *problem) provesNotDone() bool {
	switch p.Reason {
	case packaging.NoToken, packaging.TokenRejected, packaging.ChannelKey, packaging.BodyNotParsed, packaging.NotValid,
		packaging.OrderNotFound, packaging.WrongStatus: // documented
		return true
	case packaging.SignInRejected, packaging.SignInFailed, packaging.NotConnected, packaging.CloudDown,
		packaging.NotCopied, packaging.TakenOver: // not sent
		return true
	case packaging.Throttled:
		return p.HTTPStatus == 0 // not sent, because of what the API answered before
	}
	return false
}

// callError returns p as an error for callers, or nil for no problem.
func (p *problem) callError() error {
	if p == nil {
		return nil
	}
	return &p.CallError
}

// problem returns the problem of a reply. It removes credentials from what the remote side wrote.
func (c *Client) problem(r reply, reason packaging.Reason, message string) *problem {
	return &problem{
		CallError:  packaging.CallError{Reason: reason, Message: c.scrub.message(message), HTTPStatus: r.status},
		body:       c.scrub.body(r.body),
		lasting:    r.lasting,
		retryAfter: r.wait,
	}
}

// document is an answer that is JSON.
type document struct {
	reply
	root    raw
	success raw // nil if missing
	data    raw
	fields  fields
}

// read returns the document of a reply. It fails if the reply is not the JSON of an answer.
func (r reply) read() (document, error) {
	root, ok := parse(r.body)
	switch {
	case len(r.body) == 0:
		return document{}, errors.New("the answer is empty")
	case !ok:
		return document{}, fmt.Errorf("the answer is not JSON (its type is %q)", r.kind)
	case root.kind() != '{' && root.kind() != '[':
		return document{}, errors.New("the answer is neither a JSON object nor a list")
	case r.exact && !root.exact():
		return document{}, errors.New("the answer holds text that is not valid UTF-8")
	}
	doc := document{reply: r, root: root}
	for name, value := range root.members() {
		var twice bool
		switch name {
		case "success":
			twice, doc.success = doc.success != nil, value
		case "data":
			twice, doc.data = doc.data != nil, value
		}
		if twice {
			return document{}, fmt.Errorf("the answer has %q twice", name)
		}
	}
	doc.fields = root.fields()
	return doc, nil
}

// judge returns the document of a successful reply, or its problem. A code counts before a message, and a message
// before the HTTP status, since the statuses of errors are not documented.
func (c *Client) judge(r reply) (document, *problem) {
	if r.missing != packaging.NoReason {
		return document{}, c.problem(r, r.missing, r.why)
	}
	if r.status/100 == 3 {
		return document{}, c.problem(r, packaging.Unreadable, fmt.Sprintf("redirected (HTTP %d)", r.status))
	}
	doc, err := r.read()
	if err != nil {
		return document{}, c.problem(r, byStatus(r.status), err.Error())
	}
	good := r.status/100 == 2
	switch {
	case string(doc.success) == "true" && good:
		return doc, nil
	case string(doc.success) == "true":
		return document{}, c.problem(r, packaging.Unreadable, fmt.Sprintf("success, but HTTP %d", r.status))
	}

	if p := c.documented(doc); p != nil {
		return document{}, p
	}
	reason := byStatus(r.status)
	switch {
	case reason == packaging.Unreadable && string(doc.success) == "false":
		reason = packaging.OtherRefusal
	case doc.success == nil && good:
		return doc, nil // it may still hold the wanted data
	}
	return document{}, c.reported(doc, reason, doc.fields.scalar(messageAt))
}

// byStatus returns the reason that an HTTP status alone gives.
func byStatus(status int) packaging.Reason {
	switch {
	case status == http.StatusTooManyRequests:
		return packaging.Throttled
	case status >= 500:
		return packaging.ServerError
	}
	return packaging.Unreadable
}

// The documented error table: codes, and messages as plainMessage returns them.
var (
	documentedCodes = map[string]packaging.Reason{
		"ERR0000": packaging.TokenRejected,
		"ERR0001": packaging.NoToken,
	}
	documentedMessages = map[string]packaging.Reason{
		"failed to authenticate token":                              packaging.TokenRejected,
		"no token provided":                                         packaging.NoToken,
		"channel id is missing or it needs to be in correct format": packaging.ChannelKey,
		"request body could not be parsed":                          packaging.BodyNotParsed,
		"validation error":                                          packaging.NotValid,
		"packaging order not found":                                 packaging.OrderNotFound,
	}
	beforeOrderID = regexp.MustCompile(`(?i)^packaging order\s`)
	inStatus      = regexp.MustCompile(`(?i)\sis in status:`)
	afterOrderID  = regexp.MustCompile(`(?is)^\sis in status:\s*(.+)$`)
)

// statusIn returns the status that a documented message gives of the order with the key. The key stands between two
// texts, and may hold either of them itself. A message about another order says nothing about this one. Nor does one
// that refuses an order in Pending release, the status that a release wants.
func statusIn(message, key string) (packaging.Status, bool) {
	begin := beforeOrderID.FindString(message)
	after, same := strings.CutPrefix(message[len(begin):], key)
	end := afterOrderID.FindStringSubmatch(after)
	if begin == "" || !same || end == nil {
		return "", false
	}
	status := packaging.ParseStatus(end[1])
	if status.Releasable() || inStatus.MatchString(end[1]) { // or the message is about an order with a longer key
		return "", false
	}
	return status, true
}

// plainMessage returns a message in lower case, without spaces around it and full stops behind it.
func plainMessage(s string) string { return strings.ToLower(trimMessage(s)) }

func trimMessage(s string) string {
	return strings.TrimRight(strings.TrimSpace(s), ". \t\r\n")
}

// documented returns the problem if the answer names one of the documented table, and nil otherwise.
func (c *Client) documented(doc document) *problem {
	for _, path := range codeAt {
		if reason, ok := documentedCodes[strings.ToUpper(strings.TrimSpace(doc.fields[path].text()))]; ok {
			return c.reported(doc, reason, doc.fields.scalar(messageAt))
		}
	}
	for _, path := range messageAt {
		message := doc.fields[path].text()
		if reason, ok := documentedMessages[plainMessage(message)]; ok {
			return c.reported(doc, reason, message)
		}
		if status, ok := statusIn(trimMessage(message), doc.key); ok {
			p := c.reported(doc, packaging.WrongStatus, message)
			p.status = packaging.Status(c.scrub.message(string(status)))
			return p
		}
	}
	return nil
}

// reported returns a problem in the API's own words. The details of a validation error follow its message.
func (c *Client) reported(doc document, reason packaging.Reason, message string) *problem {
	if reason == packaging.NotValid {
		if details := doc.fields.scalarOrJSON(detailsAt); details != "" {
			message += " " + details
		}
	}
	if message == "" {
		message = fmt.Sprintf("HTTP %d without a message", doc.status)
	}
	p := c.problem(doc.reply, reason, message)
	p.Code = c.scrub.message(doc.fields.scalar(codeAt))
	p.json = doc.root.kind() == '{'
	return p
}
