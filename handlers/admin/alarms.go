package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Alarms shows and sets of what somebody is told, who that is, and how.
type Alarms struct {
	*web.Kit
	Store  AlarmsStore
	Sender AlarmSender
}

// AlarmsStore is what Alarms needs of the database.
type AlarmsStore interface {
	AddRecipient(
		ctx context.Context, by packaging.Person, r packaging.Recipient, target, key secret.Text,
	) (packaging.RecipientID, error)
	AlarmRules(ctx context.Context, in packaging.Scope) ([]packaging.AlarmRule, error)
	AlarmSettings(
		ctx context.Context, tenant packaging.TenantID,
	) (s packaging.AlarmSettings, password, beat secret.Text, err error)
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	Recipients(ctx context.Context, tenant packaging.TenantID) ([]packaging.Recipient, error)
	Record(ctx context.Context, e packaging.Entry) error
	RemoveAlarmRule(ctx context.Context, by packaging.Person, id packaging.AlarmRuleID) error
	RemoveRecipient(ctx context.Context, by packaging.Person, id packaging.RecipientID) error
	SetAlarmRule(ctx context.Context, by packaging.Person, r packaging.AlarmRule) error
	SetAlarmSettings(
		ctx context.Context, by packaging.Person, to packaging.AlarmSettings, password, beat secret.Text, noBeat bool,
	) error
}

// AlarmSender sends a message to a recipient to try it out.
type AlarmSender interface {
	// Try sends a message. The error is a [packaging.MessageFailure] if it did not go out.
	Try(ctx context.Context, t packaging.Tenant, to packaging.Recipient) error
	// NewSecret returns a new secret that messages to a webhook are signed with.
	NewSecret() secret.Text
}

// Show shows the rules, the recipients, and how alarms are sent.
func (a *Alarms) Show(c echo.Context) error {
	return a.show(c, http.StatusOK, view.AlarmsPage{Saved: c.QueryParam("saved") != ""})
}

func (a *Alarms) show(c echo.Context, status int, page view.AlarmsPage) (err error) {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	if page.Rules, err = a.Store.AlarmRules(ctx, p.Scope()); err != nil {
		return err
	}
	if page.Recipients, err = a.Store.Recipients(ctx, p.Tenant.ID); err != nil {
		return err
	}
	if page.Settings, _, _, err = a.Store.AlarmSettings(ctx, p.Tenant.ID); err != nil {
		return err
	}
	if page.Lines, err = a.Store.Lines(ctx, p.Scope()); err != nil {
		return err
	}
	f, err := a.Frame(c, "admin", text.Say(ctx, "alarms.title"))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.Alarms(f, page))
}

// saved shows the page again: anew after a success, with the problem if the person can fix it.
func (a *Alarms) saved(c echo.Context, err error) error {
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return a.show(c, web.StatusOf(err), view.AlarmsPage{Problem: said})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.AlarmsURL(), "yes"))
}

// SetRule adds a rule, or sets the one whose ID the form has.
func (a *Alarms) SetRule(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	rule, err := ruleOf(form)
	if err != nil {
		return a.saved(c, err)
	}
	return a.saved(c, a.Store.SetAlarmRule(c.Request().Context(), web.SignedIn(c), rule))
}

// ruleOf reads a rule as typed.
func ruleOf(form url.Values) (r packaging.AlarmRule, err error) {
	failed := false
	number := func(text string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		failed = failed || text != "" && (err != nil || n < 0)
		return n
	}
	minutes := func(name string) time.Duration { return time.Duration(number(form.Get(name))) * time.Minute }
	r = packaging.AlarmRule{
		ID: packaging.AlarmRuleID(number(form.Get("id"))), Kind: packaging.AlarmKind(form.Get("kind")),
		Delay:  minutes("delay"),
		Repeat: minutes("repeat"), Next: minutes("next"), Sound: form.Get("sound") != "",
	}
	for _, line := range form["line"] {
		r.Lines = append(r.Lines, packaging.LineID(number(line)))
	}
	for _, id := range form["first"] {
		r.First = append(r.First, packaging.RecipientID(number(id)))
	}
	for _, id := range form["second"] {
		r.Second = append(r.Second, packaging.RecipientID(number(id)))
	}
	var fromOK, toOK bool
	r.From, fromOK = packaging.ParseMinute(text.PlainClock(form.Get("from")))
	r.To, toOK = packaging.ParseMinute(text.PlainClock(form.Get("to")))
	switch {
	case failed:
		return r, packaging.Fail(packaging.Invalid, "alarms.bad_time")
	case form.Get("from") != "" && !fromOK, form.Get("to") != "" && !toOK:
		return r, packaging.Fail(packaging.Invalid, "alarms.bad_time")
	}
	return r, nil
}

// RemoveRule removes a rule.
func (a *Alarms) RemoveRule(c echo.Context) error {
	id, err := web.PathID[packaging.AlarmRuleID](c, "id")
	if err != nil {
		return err
	}
	return a.saved(c, a.Store.RemoveAlarmRule(c.Request().Context(), web.SignedIn(c), id))
}

// AddRecipient adds a recipient, and shows the secret of a webhook once.
func (a *Alarms) AddRecipient(c echo.Context) error {
	r := packaging.Recipient{
		Name: strings.Join(strings.Fields(c.FormValue("name")), " "),
		Kind: packaging.RecipientKind(c.FormValue("kind")),
	}
	target := secret.New(strings.TrimSpace(c.FormValue("target")))
	var key secret.Text
	if r.Kind == packaging.ByWebhook {
		key = a.Sender.NewSecret()
	}
	_, err := a.Store.AddRecipient(c.Request().Context(), web.SignedIn(c), r, target, key)
	if err == nil && !key.Empty() {
		return a.show(c, http.StatusOK, view.AlarmsPage{Key: key.Reveal(), Of: r.Name})
	}
	return a.saved(c, err)
}

// RemoveRecipient removes a recipient.
func (a *Alarms) RemoveRecipient(c echo.Context) error {
	id, err := web.PathID[packaging.RecipientID](c, "id")
	if err != nil {
		return err
	}
	return a.saved(c, a.Store.RemoveRecipient(c.Request().Context(), web.SignedIn(c), id))
}

// TryRecipient sends a recipient a message that says that it is a try, and says what came of it.
func (a *Alarms) TryRecipient(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	id, err := web.PathID[packaging.RecipientID](c, "id")
	if err != nil {
		return err
	}
	all, err := a.Store.Recipients(ctx, p.Tenant.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(r packaging.Recipient) bool { return r.ID == id })
	if i < 0 {
		return packaging.Fail(packaging.NotFound, "error.not_found")
	}
	page := view.AlarmsPage{Tried: all[i].Name}
	e := packaging.Entry{
		TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.AlarmTested,
		Object: packaging.SaysRecipient.Of(all[i].Name),
		New:    "sent",
	}
	var failed *packaging.MessageFailure
	if err := a.Sender.Try(ctx, p.Tenant, all[i]); errors.As(err, &failed) {
		page.Failed, e.New, e.Message = failed.Why, "not sent", failed.Why
	} else if err != nil {
		return err
	}
	if err := a.Store.Record(ctx, e); err != nil {
		return err
	}
	return a.show(c, http.StatusOK, page)
}

// Set sets how alarms are sent.
func (a *Alarms) Set(c echo.Context) error {
	value := func(name string) string { return strings.TrimSpace(c.FormValue(name)) }
	language := text.Language(value("language"))
	every, err := strconv.Atoi("0" + value("every"))
	if err != nil || !language.Known() {
		return a.saved(c, packaging.Fail(packaging.Invalid, "error.invalid"))
	}
	to := packaging.AlarmSettings{
		Address: strings.TrimRight(value("address"), "/"), Language: string(language), MailHost: value("host"),
		Encryption: packaging.Encryption(value("encryption")), MailFrom: value("from"), MailUser: value("user"),
		HeartbeatEvery: time.Duration(every) * time.Minute,
	}
	if to.MailHost == "" {
		to.MailFrom = ""
	}
	return a.saved(c, a.Store.SetAlarmSettings(
		c.Request().Context(), web.SignedIn(c), to, secret.New(c.FormValue("password")), secret.New(value("beat")),
		value("no_beat") != "",
	))
}
