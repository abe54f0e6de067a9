package db

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

// unwatched are the tables whose changes no open page is told of, and why.
var unwatched = map[string]string{
	"answers":               "come with the outcome of their release",
	"serial_blocks":         "come with the outcome of their release",
	"staged_lists":          "do not count yet",
	"serial_marks":          "only find what the lists have",
	"serial_runs":           "only find what the lists have",
	"signatures":            "come with the claim of their release",
	"order_checks":          "say when was asked, which a page tells as of its last change",
	"shift_plans":           "count from another day on",
	"shifts":                "count from another day on",
	"shift_rules":           "are shown in the setup alone",
	"handover_items":        "come with their hand-over",
	"imports":               "have pages of their own that nobody waits at",
	"import_changes":        "stand on those pages",
	"import_previews":       "are one person's own",
	"import_preview_parts":  "are one person's own",
	"api_tokens":            "are shown in the setup alone",
	"api_token_scopes":      "are shown in the setup alone",
	"list_templates":        "are shown in the setup alone",
	"delivery_offers":       "are for programs, which ask",
	"api_token_lines":       "are shown in the setup alone",
	"history_terms":         "only finds what the history has",
	"history_index":         "only finds what the history has",
	"history_index_data":    "only finds what the history has",
	"history_index_idx":     "only finds what the history has",
	"history_index_config":  "only finds what the history has",
	"orders_index":          "only finds what orders have",
	"orders_index_data":     "only finds what orders have",
	"orders_index_idx":      "only finds what orders have",
	"orders_index_config":   "only finds what orders have",
	"anchoring":             "is no page's",
	"orders_unindexed":      "only says what the index of words is yet to take in",
	"list_gtins":            "only finds the orders of a serial number",
	"lists_to_compare":      "only says what is yet to be compared; the releases tell what was found",
	"record_log":            "is no page's",
	"lost_releases":         "come with their loss",
	"kept_answers":          "come with the revision of their order",
	"write_probe":           "is no page's",
	"settlements":           "change the release too, and the history",
	"history_views":         "are a person's own way of looking",
	"credentials_set":       "is shown in the setup alone",
	"alarm_settings":        "is shown in the setup alone",
	"alarm_rules":           "are shown in the setup alone",
	"alarm_rule_lines":      "are shown in the setup alone",
	"alarm_rule_recipients": "are shown in the setup alone",
	"recipients":            "are shown in the setup alone",
	"heartbeats":            "are shown in the setup alone",
	"alarm_messages":        "are no page's",
	"alarm_items":           "are no page's",
	"sso":                   "is shown in the setup, and where people sign in",
	"sso_grants":            "are shown in the setup alone",
	"sso_grant_roles":       "are shown in the setup alone",
	"sso_grant_lines":       "are shown in the setup alone",
	"sign_on_waits":         "are shown in the setup alone",
	"parted_humans":         "only hold for accounts that come later",
	"known_as":              "are compared when an account comes, and shown nowhere",
	"identities":            "are shown on one's own page alone",
	"kept_keys":             "are no page's",
	"station_factors":       "are asked for when somebody signs in",
	"wrong_tries":           "are asked for at the next try",
	"products":              "only number what serials belong to",
	"goose_db_version":      "is of the migrations",
	"sqlite_sequence":       "is SQLite's own",
}

func TestEveryTableIsWatchedOrIsKnownNotToBe(t *testing.T) {
	d, _, _ := opened(t)
	tables, err := collect(t.Context(), d.read,
		func(row scanner) (name string, err error) { return name, row.Scan(&name) },
		`SELECT name FROM sqlite_schema WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		known := slices.ContainsFunc(watchedTables, func(w watched) bool { return w.table == table })
		if known == (unwatched[table] != "") {
			t.Errorf(
				"open pages show nothing of %s, or are told when it changes? Give it a line in watch, or say why not",
				table,
			)
		}
	}
}

// told returns the topics of what has been told since it was last asked.
func told(d *DB) func() []string {
	var topics []string
	d.Notify(func(changes []packaging.Change) { topics = append(topics, packaging.Topics(changes)...) })
	return func() []string {
		slices.Sort(topics)
		now := slices.Compact(topics)
		topics = nil
		return now
	}
}

func TestEachTransactionTellsWhatItChangedAndNothingElse(t *testing.T) {
	d, ghent, basel := opened(t)
	tenant := ghent.Tenant.ID
	if err := d.Provision(
		t.Context(),
		Site{
			{
				Tenant: setup("ghent").Tenant, Credentials: setup("ghent").Credentials,
				Lines: []packaging.Line{{Code: "L2", Name: "Bottle line 2"}},
			},
		},
	); err != nil {
		t.Fatal(err)
	}
	lines, err := d.Lines(t.Context(), packaging.Everything(tenant))
	if err != nil {
		t.Fatal(err)
	}
	news := told(d)
	expect := func(what string, topics ...string) {
		t.Helper()
		slices.Sort(topics)
		if diff := cmp.Diff(topics, news()); diff != "" {
			t.Errorf("%s (-want +told):\n%s", what, diff)
		}
	}
	here := func(topics ...packaging.Topic) (all []string) {
		for _, topic := range topics {
			all = append(all, topic.Of(tenant))
		}
		return all
	}
	l1, l2 := packaging.LineTopic(lines[0].ID), packaging.LineTopic(lines[1].ID)

	o := cache(t, d, tenant, facts("a"))
	a := packaging.OrderTopic(o.ID)
	expect("a new order", here(packaging.OrdersTopic, packaging.FreshTopic, l1, a)...)

	cache(t, d, tenant, facts("a"))
	expect("a refresh that finds nothing new", here(packaging.FreshTopic)...)

	moved := facts("a")
	moved.LineCode = "L2"
	o = cache(t, d, tenant, moved)
	expect("an order that moves to another line", here(packaging.OrdersTopic, packaging.FreshTopic, l1, l2, a)...)

	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	expect("a release", here(packaging.OrdersTopic, packaging.HistoryTopic, l2, a)...)
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID}); err == nil {
		t.Fatal("claimed twice")
	}
	expect("a release that can't be")
	if _, err := d.Settle(t.Context(), claimed, released("S1")); err != nil {
		t.Fatal(err)
	}
	expect("its outcome", here(packaging.OrdersTopic, packaging.HistoryTopic, l2, a)...)

	other := cache(t, d, basel.Tenant.ID, facts("a"))
	if slices.ContainsFunc(news(), func(topic string) bool { return strings.HasPrefix(topic, here("")[0]) }) {
		t.Errorf("what changes for %s is told to ghent", other.Key)
	}

	if err := d.StartSession(t.Context(), [32]byte{1}, ghent, packaging.Device{}); err != nil {
		t.Fatal(err)
	}
	expect("a sign-in", here(packaging.HistoryTopic)...)
	if err := d.TouchSession(t.Context(), [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	expect("a session in use")
	if err := d.EndSession(t.Context(), [32]byte{1}, ghent); err != nil {
		t.Fatal(err)
	}
	expect("a sign-out", append(here(packaging.HistoryTopic), string(packaging.PeopleTopic))...)
	if err := d.SetLanguage(t.Context(), ghent.ID, "fr"); err != nil {
		t.Fatal(err)
	}
	expect("a person", string(packaging.PeopleTopic))
	if err := d.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("a probe")
}

func TestAWriterThatConnectsAgainStillTells(t *testing.T) {
	d, ghent, _ := opened(t)
	d.write.SetMaxIdleConns(0) // each transaction has a connection of its own
	news := told(d)
	for _, key := range []string{"a", "b"} {
		o := cache(t, d, ghent.Tenant.ID, facts(key))
		if topic := packaging.OrderTopic(o.ID).Of(ghent.Tenant.ID); !slices.Contains(news(), topic) {
			t.Errorf("%s is not told", topic)
		}
	}
}

func TestWhatIsRolledBackIsNotTold(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("a"))
	news := told(d)
	failed := errors.New("failed")
	err := d.tx(t.Context(), func(w *tx) error {
		if err := w.bumpRevision(o); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if got := news(); len(got) > 0 {
		t.Errorf("told: %s", got)
	}
	// Nor is it told with what the next transaction does.
	if err := d.StartSession(t.Context(), [32]byte{1}, ghent, packaging.Device{}); err != nil {
		t.Fatal(err)
	}
	if got := news(); !slices.Equal(got, []string{packaging.HistoryTopic.Of(ghent.Tenant.ID)}) {
		t.Errorf("told later: %s", got)
	}
}
