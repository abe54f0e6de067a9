package alarms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/webhook"
)

// post sends a message to a webhook, to Teams or to Slack.
func (a *Alarms) post(ctx context.Context, target, key secret.Text, m packaging.AlarmMessage, what said) error {
	body, err := json.Marshal(bodyOf(m, what))
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.Reveal(), bytes.NewReader(body))
	if err != nil {
		return errURL
	}
	request.Header.Set("Content-Type", "application/json")
	if m.Recipient.Kind == packaging.ByWebhook {
		if err := webhook.Sign(request.Header, m.ID, a.Now(), body, key); err != nil {
			return err
		}
	}
	return a.do(request)
}

// NewSecret returns a new secret that messages to a webhook are signed with.
func (a *Alarms) NewSecret() secret.Text { return webhook.NewSecret() }

// get asks an address, and wants nothing but to be heard.
func (a *Alarms) get(ctx context.Context, target secret.Text) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.Reveal(), nil)
	if err != nil {
		return errURL
	}
	return a.do(request)
}

// errURL says no more: the URL is a secret.
var errURL = errors.New("the address can't be read")

// secretsOf returns what of an address must not be shown: all but the host.
func secretsOf(target secret.Text) (secrets []secret.Text) {
	address, err := url.Parse(target.Reveal())
	if err != nil || address.Host == "" {
		return nil
	}
	secrets = []secret.Text{secret.New(address.Path), secret.New(address.RawQuery)}
	if address.User != nil {
		secrets = append(secrets, secret.New(address.User.String()))
	}
	return secrets
}

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 2 << 10

func (a *Alarms) do(request *http.Request) error {
	request.Header.Set("User-Agent", "Lineboard")
	answer, err := a.client.Do(request)
	if err != nil {
		return outbound.Cause(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("%s answers %s", request.URL.Host, answer.Status)
	}
	return nil
}

// reason returns an error in one line. What a receiver says is from outside: it may be long, no text at all, and repeat
// the secrets that it was sent.
func reason(err error, secrets ...secret.Text) string {
	const enough = 300
	said := plain(strings.ToValidUTF8(secret.HideIn(err.Error(), secrets...), "\ufffd"))
	if len(said) > enough {
		said = strings.ToValidUTF8(said[:enough], "") + "…"
	}
	return said
}

// event is what a webhook gets.
type event struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      eventAlarms `json:"data"`
}

type eventAlarms struct {
	Site   string       `json:"site"`
	Alarms []eventAlarm `json:"alarms"`
}

type eventAlarm struct {
	ID    packaging.AlarmID   `json:"id"`
	Says  packaging.AlarmSays `json:"says"`
	Kind  packaging.AlarmKind `json:"kind"`
	Line  string              `json:"line,omitempty"`
	Order string              `json:"order,omitempty"`
	Since string              `json:"since,omitempty"`
	Text  string              `json:"text"`
	Link  string              `json:"link,omitempty"`
}

// bodyOf returns a message in the form that the recipient takes.
func bodyOf(m packaging.AlarmMessage, what said) any {
	switch m.Recipient.Kind {
	case packaging.ByTeams:
		return teamsCard(what)
	case packaging.BySlack:
		return map[string]string{"text": forSlack.Replace(what.subject + "\n\n" + what.text())}
	}
	e := event{"alarm.changed", stamp(m.Made), eventAlarms{Site: m.Tenant.Slug, Alarms: []eventAlarm{}}}
	if len(m.Items) == 0 {
		e.Type = "lineboard.test"
	}
	for i, one := range m.Items {
		f := one.Alarm.Fact
		e.Data.Alarms = append(e.Data.Alarms, eventAlarm{
			one.Alarm.ID, one.Says, f.Kind, f.Line.Code, f.OrderKey, stamp(f.Since),
			what.items[i].head + "\n" + what.items[i].body, what.items[i].link,
		})
	}
	return e
}

// stamp returns a time as events have it, empty for none.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

// forSlack writes the three characters that Slack gives a meaning to
// (https://api.slack.com/reference/surfaces/formatting#escaping).
var forSlack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// teamsCard is an Adaptive Card in the message that a workflow of Teams takes
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
func teamsCard(what said) any {
	type block map[string]any
	body := []block{{"type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true, "text": what.subject}}
	for _, i := range what.written() {
		for _, line := range append([]string{i.head}, strings.Split(i.body, "\n")...) {
			body = append(body, block{"type": "TextBlock", "wrap": true, "spacing": "Small", "text": line})
		}
		if i.link != "" {
			body = append(
				body,
				block{
					"type": "ActionSet", "actions": []block{{"type": "Action.OpenUrl", "title": i.head, "url": i.link}},
				},
			)
		}
	}
	return block{"type": "message", "attachments": []block{{
		"contentType": "application/vnd.microsoft.card.adaptive",
		"content": block{
			"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
			"body": body,
		},
	}}}
}
