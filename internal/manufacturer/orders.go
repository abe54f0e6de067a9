package manufacturer

import (
	"context"
	"net/http"
	"net/url"
	"unicode/utf8"

	"lineboard/internal/packaging"
)

// Open lists the open packaging orders: GET packaging_order/open (documented; assumed: what an order looks like, that
// it is one list without pages). nameless is the number of elements that are no object or have no order ID. Of an
// order that is listed twice, the last counts. It fails with a [*packaging.CallError].
func (c *Client) Open(ctx context.Context) (orders []packaging.Facts, nameless int, err error) {
	doc, p := c.read(ctx, ofOpen, c.readCall("/packaging_order/open"))
	if p != nil {
		return nil, 0, p.callError()
	}
	list, _, ok := doc.list()
	if !ok {
		return nil, 0, c.problem(doc.reply, packaging.Unreadable, "the answer holds no list of orders").callError()
	}

	orders = []packaging.Facts{}
	at := map[string]int{}
	for element := range list.elements() {
		facts := factsOf(element, c.now())
		if facts.Key == "" {
			nameless++
			continue
		}
		if i, again := at[facts.Key]; again {
			orders[i] = c.scrub.facts(facts)
			continue
		}
		at[facts.Key] = len(orders)
		orders = append(orders, c.scrub.facts(facts))
	}
	return orders, nameless, nil
}

// list returns the list of orders in an answer, which is empty or has an object in it. path is where it was found, ""
// if the list is the whole answer.
func (d document) list() (list raw, path string, ok bool) {
	for _, path := range append([]string{""}, listAt...) {
		place := d.fields[path]
		if path == "" {
			place = d.root
		}
		if place.kind() != '[' {
			continue
		}
		empty := true
		for element := range place.elements() {
			empty = false
			if element.kind() == '{' {
				return place, path, true
			}
		}
		if empty {
			return place, path, true
		}
	}
	return nil, "", false
}

// Details asks for one packaging order: GET packaging_order/details?order_id= (documented: 1 to 255 characters;
// assumed: what the answer looks like). Facts have no Key if the answer does not name its order. It fails with a
// [*packaging.CallError], whose reason is OrderNotFound if the API does not know the order.
func (c *Client) Details(ctx context.Context, key string) (packaging.Facts, error) {
	if p := c.unsendable(key); p != nil {
		return packaging.Facts{}, p.callError()
	}
	doc, p := c.read(ctx, ofDetails, c.detailsCall(key))
	if p != nil {
		return packaging.Facts{}, p.callError()
	}
	facts, ok := c.order(doc, key)
	if !ok {
		return packaging.Facts{}, c.problem(doc.reply, packaging.Unreadable,
			"the answer does not hold the order that was asked for").callError()
	}
	facts.Serials = serialsOf(raw(facts.Raw))
	return c.scrub.facts(facts), nil
}

func (c *Client) detailsCall(key string) call {
	k := c.readCall("/packaging_order/details?order_id=" + url.QueryEscape(key))
	k.key = key
	return k
}

func (c *Client) readCall(path string) call {
	return call{
		client:   c.reads,
		method:   http.MethodGet,
		path:     prefix + path,
		limit:    c.limits.Read,
		tries:    harmlessTries,
		harmless: true,
	}
}

// order returns the order with the key in an answer. It also accepts an order without an ID at an expected place, if it
// has facts of an order, and returns it without a Key. It never accepts an order with another ID.
func (c *Client) order(doc document, key string) (packaging.Facts, bool) {
	var unnamed packaging.Facts
	found := false
	for _, path := range orderAt {
		for _, facts := range c.candidates(doc.fields[path]) {
			if facts.Key == key {
				return facts, true
			}
			if facts.Key == "" && !found && hasFacts(facts) {
				unnamed, found = facts, true
			}
		}
	}
	for _, facts := range c.candidates(doc.root) {
		if facts.Key == key {
			return facts, true
		}
	}
	return unnamed, found
}

// candidates returns the orders that a value may be: itself, or the elements of a list.
func (c *Client) candidates(value raw) []packaging.Facts {
	switch value.kind() {
	case '{':
		return []packaging.Facts{factsOf(value, c.now())}
	case '[':
		var all []packaging.Facts
		for element := range value.elements() {
			all = append(all, factsOf(element, c.now()))
		}
		return all
	}
	return nil
}

// hasFacts reports whether facts are those of an order.
func hasFacts(f packaging.Facts) bool {
	return f.Status != "" && (f.Product != "" || f.GTIN != "" || f.Lot != "" || f.Quantity != "")
}

// unsendable returns a problem if JSON or a URL would alter the key, and so name another order.
func (c *Client) unsendable(key string) *problem {
	if utf8.ValidString(key) {
		return nil
	}
	return c.problem(reply{}, packaging.NotValid, "the order ID is not valid UTF-8, nothing was sent")
}
