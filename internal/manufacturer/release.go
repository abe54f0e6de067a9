package manufacturer

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"lineboard/internal/packaging"
)

// ReleaseToLine releases a packaging order to its line: PATCH packaging_order/release_to_line (documented in full but
// for the layout of errors). It is not idempotent, and its answer can't be read again. So it is sent again only if it
// is proven that nothing was done (rules.go): once after ERR0000, with a new token, and if no connection was made. It
// has no Idempotency-Key, with which net/http would send it again by itself.
//
// Every end is an Answer: Released only with the documented success, Refused if it is proven that nothing was done, and
// Unknown for everything else. When ctx ends, nothing more is begun. A release that is being sent keeps its time limit.
func (c *Client) ReleaseToLine(ctx context.Context, key string) packaging.Answer {
	if p := c.unsendable(key); p != nil {
		return p.answer()
	}
	if p := c.mayRelease(ctx, key); p != nil {
		return p.answer()
	}
	doc, p := c.authorised(ctx, call{
		client: c.acts,
		method: http.MethodPatch,
		path:   prefix + "/packaging_order/release_to_line",
		key:    key,
		body:   releaseBody(key),
		limit:  c.limits.Release,
		tries:  releaseTries,
		exact:  true,
	})
	if p != nil {
		return p.answer()
	}
	serials, ok := doc.serials()
	if !ok {
		return c.problem(doc.reply, packaging.Unreadable,
			"the answer is not a success with a list of serial numbers").answer()
	}
	return packaging.Answer{
		Outcome:    packaging.Released,
		Serials:    serials,
		Leaks:      c.scrub.leaks(serials),
		Message:    c.scrub.message(doc.fields.scalar(messageAt)),
		HTTPStatus: doc.status,
	}
}

// releaseBody returns {"order_id": key}. It escapes no character of the key for HTML.
func releaseBody(key string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(map[string]string{"order_id": key}) // neither a string nor a buffer fails
	return bytes.TrimSpace(b.Bytes())
}

// serials returns the serial numbers of the documented success, unchanged: success is true, data is a list of strings,
// which may be empty. It returns false for any other answer.
func (d document) serials() ([]string, bool) {
	if string(d.success) != "true" {
		return nil, false
	}
	return d.data.texts()
}

// answer returns what a problem means for a release.
func (p *problem) answer() packaging.Answer {
	a := packaging.Answer{
		Outcome:    packaging.Refused,
		Reason:     p.Reason,
		Status:     p.status,
		Message:    p.Message,
		Code:       p.Code,
		HTTPStatus: p.HTTPStatus,
	}
	if !p.provesNotDone() {
		a.Outcome = packaging.Unknown
		a.Body = p.body
	}
	return a
}
