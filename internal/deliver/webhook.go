package deliver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"lineboard/internal/listfile"
	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	webhooks "lineboard/internal/webhook"
)

// webhook is a receiver of messages by the Standard Webhooks specification.
type webhook struct {
	to          packaging.Destination
	now, before secret.Text
	dial        outbound.DialFunc
	clock       func() time.Time
}

// maxMessage is the longest list that a message holds, in bytes. A longer one is named by a link and its digest.
const maxMessage = 1 << 20

// linkOf returns where the message of a delivery leads instead of having the list, empty for one that has it. Where
// nobody said at which address receivers reach this server, nothing goes out: a link without a host would be taken for
// a list.
func linkOf(v packaging.Delivery) (string, error) {
	switch {
	case v.Link != "" || v.Destination.Kind != packaging.WebhookDestination || v.Size <= maxMessage:
		return v.Link, nil
	case v.Destination.PublicURL == "":
		return "", &packaging.DeliveryFailure{Problem: packaging.NoPublicURL}
	}
	return strings.TrimRight(v.Destination.PublicURL, "/") + "/api/v1/releases/" + v.UID + "/serials", nil
}

// message is what a receiver gets.
type message struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      any    `json:"data"`
}

// The types of messages.
const (
	listReady   = "serials.ready"
	testMessage = "lineboard.test"
)

// linked is the data of a list that is too long for a message.
type linked struct {
	Head   json.RawMessage `json:"list"`
	Link   string          `json:"link"`
	Size   int64           `json:"size"`
	SHA256 string          `json:"sha256"`
}

func (h webhook) bring(ctx context.Context, p parcel) error {
	data, err := h.data(p)
	if err != nil {
		return err
	}
	return h.send(ctx, p.UID, message{listReady, p.Made.UTC().Format("2006-01-02T15:04:05.000Z"), data})
}

// data is the list itself, or where it is.
func (h webhook) data(p parcel) (any, error) {
	if p.Link == "" {
		var list bytes.Buffer
		if err := p.writeTo(&list); err != nil {
			return nil, err
		}
		return json.RawMessage(list.Bytes()), nil
	}
	if err := p.writeTo(io.Discard); err != nil { // the link must lead to these bytes
		return nil, err
	}
	head, err := json.Marshal(listfile.Head(p.document()))
	return linked{Head: head, Link: p.Link, Size: p.Size, SHA256: fmt.Sprintf("%x", p.Digest)}, err
}

// try sends a message that has no list.
func (h webhook) try(ctx context.Context) error {
	return h.send(ctx, "test-"+strings.ToLower(rand.Text()), message{
		testMessage, h.clock().UTC().Format("2006-01-02T15:04:05.000Z"), struct{}{},
	})
}

// maxSaid is how much of a receiver's answer is read, in bytes.
const maxSaid = 2 << 10

func (h webhook) send(ctx context.Context, id string, m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.to.Address, bytes.NewReader(body))
	if err != nil {
		return fail(packaging.Unreachable, outbound.Cause(err))
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Lineboard")
	if err := webhooks.Sign(request.Header, id, h.clock(), body, h.now, h.before); err != nil {
		return err
	}
	answer, err := outbound.Client(h.dial, nil).Do(request)
	if err != nil {
		return fail(packaging.Unreachable, outbound.Cause(err))
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, maxSaid)) // what there is of it
	return verdict(answer, string(said))
}

// verdict returns what a receiver's answer means.
func verdict(answer *http.Response, said string) error {
	detail := strings.TrimSpace(answer.Status + " " + said)
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return &packaging.DeliveryFailure{Problem: packaging.Redirected, Detail: detail}
	case status == http.StatusGone:
		return &packaging.DeliveryFailure{Problem: packaging.GoneThere, Detail: detail}
	}
	return &packaging.DeliveryFailure{Problem: packaging.RefusedThere, Detail: detail}
}

// NewSigningSecret returns a new secret of a webhook.
func (d *Deliverer) NewSigningSecret() secret.Text { return webhooks.NewSecret() }
