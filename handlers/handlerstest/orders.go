package handlerstest

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strconv"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// RemoteOrders makes orders of the sandbox: pairs of an ID and a status, on line L1.
func RemoteOrders(pairs ...string) (all []sandbox.Order) {
	for i := 0; i+1 < len(pairs); i += 2 {
		o := sandbox.Order143(time.Now())
		o.ID, o.Status, o.Serials = pairs[i], pairs[i+1], nil
		all = append(all, o)
	}
	return all
}

// PickOrders walks the queue's page: each order is added by its link, in turn.
func PickOrders(t *testing.T, b *site.Browser, keys ...string) site.Answer {
	t.Helper()
	page := b.Get("/lines/L1/queue")
	for _, key := range keys {
		to := page.Attr(`a[aria-label="Add `+key+`"]`, "href")
		if to == "" {
			t.Fatalf("%s can't be added: %s", key, page.Text("main"))
		}
		page = b.Get(to)
	}
	return page
}

func OrderPath(o packaging.Order, rest string) string {
	return "/orders/" + strconv.FormatInt(int64(o.ID), 10) + rest
}

// SigningSite is a site where releases are signed, by two people where wanted.
func SigningSite(t *testing.T, two bool, all ...sandbox.Order) *site.Site {
	t.Helper()
	s := site.New(t, site.Options{Orders: all})
	rules := packaging.DefaultRules
	rules.SignReleases, rules.SecondSigner = true, two
	s.SetRules(rules)
	return s
}

// Sign arms the release and sends its form, with the pairs in place of what it holds.
func Sign(b *site.Browser, o packaging.Order, pairs ...string) site.Answer {
	return b.Post(OrderPath(o, "/release?arm=1"), SignedForm(b.Get(OrderPath(o, "?arm=1")), "revision", pairs)...)
}

// SignedForm is the form of an armed page, with the field that says what is released, and the pairs in place of what
// it holds.
func SignedForm(armed site.Answer, what string, pairs []string) (all []string) {
	form := map[string]string{"meaning": "checked", "secret": site.Password}
	for _, field := range []string{what, "content"} {
		form[field] = armed.Attr(".execute input[name="+field+"]", "value")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form[pairs[i]] = pairs[i+1]
	}
	for name, value := range form {
		all = append(all, name, value)
	}
	return all
}

// LastEntry gives the latest entry of a deed.
func LastEntry(s *site.Site, deed packaging.Deed) (e packaging.Entry) {
	for _, e := range s.History() {
		if e.Deed == deed {
			return e
		}
	}
	return e
}

// ImportOrders uploads a file of orders and confirms what it changes.
func ImportOrders(t *testing.T, b *site.Browser, csv string) {
	t.Helper()
	ImportFile(t, b, "orders.csv", csv)
}

// ImportFile is ImportOrders for a file of any name.
func ImportFile(t *testing.T, b *site.Browser, name, csv string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte(csv))
	_ = form.Close()
	preview := b.Send(http.MethodPost, "/imports", form.FormDataContentType(), &body).Header.Get("Location")
	digest := b.Get(preview).Attr("input[name=digest]", "value")
	if a := b.Post(preview, "digest", digest); a.Status != http.StatusSeeOther {
		t.Fatalf("import: %d %s", a.Status, a.Text("main"))
	}
}
