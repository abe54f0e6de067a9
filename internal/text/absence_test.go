package text_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// statesAbsence picks the English sentences that say of something that it is not so, or not there.
var statesAbsence = regexp.MustCompile(
	`(?i)\b(no|not|none|nothing|never|nobody|missing|empty|unknown|neither)\b|n['’]t\b`,
)

// absences says, for each key whose sentence states an absence, why that may be said. A key that ends with a dot stands
// for all that begin with it; the longest one counts. What is said of orders, releases, lists and hand-overs is said
// key by key: after a restore, or before the next refresh, this program does not know what it does not have.
var absences = map[string]string{
	// What was not sent is proven by the claim: without one, no call leaves.
	"obstacle.":               "the press was refused before its claim, and without a claim no call leaves",
	"declined.":               "the same, as the history has it",
	"sign_declined.":          "the same: signatures are taken before the claim",
	"signing.":                "the same",
	"queue.signature_missing": "the sequence was refused before it began", "queue.running_already": "the same",
	"release.cloud_down": "what became of the calls of this program",
	"displays.":          "the form was refused before its transaction, or says what is recorded",
	"wall.refused":       "counts what is recorded", "wall.unknown": "says what is not known",
	"fresh.unconnected":  "says what is set up here",
	"queue.another":      "the press was refused before it changed anything",
	"queue.not_released": "the sequence ended before it claimed the order", "strip.not_sent": "the same",
	"queue.ended.":          "says why the sequence ended; of an order it says refused or not known, as its release does",
	"queue.none_waits":      "says what is known",
	"replica.":              "says what this program knows of its copy, and does",
	"error.":                "the request was refused before its transaction, or that was rolled back",
	"settle.":               "is asked or offered; what a person said is said as theirs",
	"release.":              "is offered",
	"deed.release_declined": "the press was refused before its claim", "deed_name.release_declined": "the same",
	"did.release_declined": "the same", "report.declined": "the same",

	// Whether an order was released.
	"kept.answer": "no release has its key and time, or several have",
	"kept.other":  "the same", "kept.dismiss": "is offered, for a person to say",
	"outcome.refused": "only a documented refusal, or what proves that nothing left, makes it",
	"result.refused":  "the same",
	"report.refused":  "the same", "help.topic.refused": "the same",
	"outcome.said_pending": "names what is not proven", "result.said_pending": "the same",
	"help.topic.said_pending":   "the same",
	"deed.release_settled.":     "says which status, which sign or whose word it was",
	"outcome.said_not_released": "is said as somebody's word", "result.said_not_released": "the same",
	"help.topic.said_not_released": "the same", "help.topic.said_released": "the same",
	"outcome.not_knowable": "the same", "result.not_knowable": "the same", "help.topic.not_knowable": "the same",
	"result.not_knowable.do": "says what this program does",
	"result.said_so":         "answers and statuses of the release are recorded with it",
	"outcome.unknown":        "says what is not known", "result.unknown": "the same",
	"result.unknown.do": "an instruction",
	"report.unknown":    "the same", "report.was_unknown": "the same", "report.at_first_unknown": "the same",
	"item.unknown": "the same", "help.topic.unknown": "the same", "loss.": "the same",
	"deed.release_ended.unknown": "the same",
	"result.settled.who":         "says what is not proven",
	"reason.not_carried_out":     "is said as a sign", "reason.still_pending": "the same",
	"reason.by_word":            "names whose word it is",
	"reason.not_carried_out.do": "an instruction", "reason.still_pending.do": "the same",
	"reason.by_word.do":         "the same",
	"reason.":                   "the API's own answer, or what the client knows of its own call",
	"obstacle.not_pending.":     "as of the order's status, whose age stands beside it",
	"obstacle.already_released": "says what is recorded", "obstacle.not_released_here": "the same",
	"obstacle.not_pending.in_progress.do": "the same", "declined.not_released_here": "the same",
	"declined.not_looked_at":    "the same",
	"obstacle.list_not_missing": "says what is known", "obstacle.list_not_missing.do": "the schema keeps it so",
	"oddity.contradicted": "says what is recorded",
	"help.tour.trends":    "says what the demo records of its past",
	"odd_entry.":          "a rule of GS1, said of an entry that is here", "oddity_short.": "the same",
	"report.nothing": "the same", "shifts.nothing": "the same",
	"lost": "says what is not known", "lost.page": "the same",
	"result.asked_nothing": "the API's own answer",

	// Lists on their way.
	"destination.":         "is set up here and nowhere else, or says what this program does with it",
	"delivery.problem.":    "what a try came to, as the destination or the system said it",
	"delivery.waiting":     "a destination's word is stored before anybody reads it",
	"delivery.no_list":     "says what is here",
	"held.serial_alphabet": "counted in the list itself",
	"api.not_in_scope":     "is a right of this token",

	// Lists of serial numbers.
	"result.list_missing": "a list that is here is counted in its release's transaction",
	"strip.list_missing":  "the same",
	"serials.empty":       "says what is here", "serials.not_here": "the same",
	"serials.none_found":       "the list is here and searched whole",
	"serials.expected_unknown": "says what is not known", "order.expected_unknown": "the same",
	"scan.unknown": "says what is known here", "scan.unknown.why": "names the lists that are here",
	"scan.unknown.do":            "an instruction",
	"history.serial_unknown":     "names the lists that are here",
	"oddity.":                    "counted in the list itself",
	"deed.list_added":            "the list was missing in the transaction that added it",
	"deed_name.list_added":       "the same",
	"deed.list_added.of_release": "the same",
	"help.topic.odd":             "the same",

	// Alarms.
	"alarm.":                  "names what an alarm is about, as it is recorded; or an instruction",
	"admin.ending.bad_day":    "what is noted is stored here and nowhere else",
	"admin.ending.bad_remind": "the same",
	"alarms.":                 "alarms are set up here and nowhere else; what went out is recorded here",

	// Orders and lines, as of the last refresh.
	"overview.nothing_runs":  "says what is known; how old that is stands on the page",
	"overview.nothing_waits": "the same",
	"line.no_next":           "the same", "orders.empty": "the same",
	"refresh.same": "the API's list brought no change", "refresh.failed": "the refresh ended in an error",
	"status.": "the API's own answer", "event.gone": "the same", "help.topic.gone": "the same",
	"fresh.never_worked": "no refresh that worked is recorded", "fresh.nameless": "counted in the API's list",
	"overview.empty": "lines are set up here and nowhere else", "lane.not_set_up": "the same",
	"line.unknown": "the same",
	"line.none":    "the order has none in this cache, as its page says", "release.execute_no_line": "the same",
	"adopt.":               "lines are set up here and nowhere else",
	"set_line.":            "the same, or the person's line is set in the transaction",
	"order.story_more":     "there is more than was read",
	"withdraw.how":         "which orders a refresh has listed is recorded since they came; this is read again in the transaction",
	"give_back.import.how": "says what this program does", "shown.not_begun": "is asked of the person who shows it",

	// Shifts and hand-overs.
	"handover.nothing": "says what is recorded here", "report.not_handed_over": "the same",
	"report.not_taken_over": "the same",
	"report.not_signed":     "the same", "shifts.not_handed_over": "the same", "shifts.not_taken": "the same",
	"shifts.not_signed": "the same",
	"digest.":           "the same",
	"handover.":         "read in the transaction that refused, or of a hand-over that is here",
	"review.":           "read in the transaction that refused", "shifts.": "shifts are set up here and nowhere else",

	// The history proves itself; that it can be cut short or lost is said where it is verified.
	"history.empty": "says what is kept here", "verify.empty": "the same", "verify.": "compared by this check",
	"entry.": "compared by this page", "history.": "what was asked for is no date or shift",
	"deed.":      "what somebody did",
	"deed_name.": "the same",

	// What is read from the thing itself, set up here, or an instruction.
	"scan.": "read from the scanned code", "list.": "read from the file", "import.": "read from the file or the cache",
	"words.": "read from the form", "pin.": "the same", "login.": "the same", "station.": "the same",
	"stations.": "set up here",
	"lines.":    "the same", "person.": "the same", "role.": "the same", "tokens.": "the same", "site.": "the same",
	"setup.": "the same", "steps.": "the same", "admin.": "read from the request", "account.": "read from the form",
	"confirm.": "the same", "credential.": "set up here", "connection.": "read from the test's own calls",
	"health.": "counted since the start, as it says", "sso.": "set up here, or read from the provider",
	"sign_on.": "the same",
	"api.":     "the request was refused before its transaction", "data.": "read by the check that says it",
	"doctor.": "the same",
	"hint.":   "explains", "help.": "explains", "copy.": "the script's own try", "link.": "the page's own connection",
	"offline.": "the same", "browser.too_old": "shows where neither style nor scripts work",
}

// proofOf returns why the sentence of a key may be said, by the longest prefix.
func proofOf(key string) (why string) {
	longest := -1
	for prefix, proof := range absences {
		fits := prefix == key || strings.HasSuffix(prefix, ".") && strings.HasPrefix(key, prefix)
		if fits && len(prefix) > longest {
			longest, why = len(prefix), proof
		}
	}
	return why
}

func TestWhatStatesAnAbsenceSaysWhyItMay(t *testing.T) {
	content, err := os.ReadFile("en.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue map[string]any
	if err := json.Unmarshal(content, &catalogue); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for key, sentence := range catalogue {
		said, _ := json.Marshal(sentence)
		if !statesAbsence.Match(said) {
			continue
		}
		if proofOf(key) == "" {
			t.Errorf("%s states an absence: %s. Say in this test why it may, or reword it to what is known", key, said)
		}
		for prefix := range absences {
			if prefix == key || strings.HasSuffix(prefix, ".") && strings.HasPrefix(key, prefix) {
				used[prefix] = true
			}
		}
	}
	for prefix := range absences {
		if !used[prefix] {
			t.Errorf("%s states no absence any more", prefix)
		}
	}
}

// What this program can't know it never says: that no release was made, that nothing is open, that a serial number is
// new.
func TestNoSentenceDeniesWhatOnlyTheAPICanKnow(t *testing.T) {
	denials := regexp.MustCompile(
		`(?i)release was not carried out\.|not released from here|nobody has released|nothing is open|nothing waits|nothing runs|never seen before|no order waits|nothing unknown`,
	)
	content, err := os.ReadFile("en.json")
	if err != nil {
		t.Fatal(err)
	}
	if found := denials.FindAllString(string(content), -1); len(found) > 0 {
		t.Errorf("the catalogue says %q", found)
	}
}

// saysOnly are words without which a sentence says more than this program knows. A start after a restore, or a refresh
// that is to come, can prove the same sentence without them wrong.
var saysOnly = map[string][]string{
	"record": {
		"obstacle.already_released", "obstacle.not_released_here", "obstacle.not_pending.in_progress.do",
		"oddity.contradicted", "report.nothing", "report.not_handed_over", "report.not_signed", "handover.nothing",
		"shifts.nothing", "withdraw.how", "digest.due", "digest.unsigned",
	},
	"known": {
		"overview.nothing_runs", "overview.nothing_waits", "queue.none_waits", "obstacle.list_not_missing",
		"outcome.unknown", "result.unknown",
	},
}

// unproven picks sentences that nothing here can prove.
var unproven = regexp.MustCompile(
	`(?i)\b(not|never) (been )?released from here|never (been )?(seen|listed)|nothing (is )?unknown`,
)

func TestWhatIsNotThereIsSaidAsNotRecordedOrNotKnown(t *testing.T) {
	content, err := os.ReadFile("en.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue map[string]any
	if err := json.Unmarshal(content, &catalogue); err != nil {
		t.Fatal(err)
	}
	for word, keys := range saysOnly {
		for _, key := range keys {
			if said, _ := json.Marshal(catalogue[key]); !strings.Contains(string(said), word) {
				t.Errorf("%s says more than is %s: %s", key, word, said)
			}
		}
	}
	for key, sentence := range catalogue {
		if said, _ := json.Marshal(sentence); unproven.Match(said) {
			t.Errorf("%s says what nothing proves: %s", key, said)
		}
	}
}
