package packaging

import (
	"fmt"
	"strings"
)

// Saying is a form of words in which the history keeps what was done; each $ is a gap. The history keeps its words for
// ever, so that a saying never changes: what writes an entry fills it, and pages read it again, to say the same in the
// language of who looks.
type Saying string

// What an entry is about.
const (
	SaysUser            Saying = "user $"
	SaysUserAt          Saying = "user $ at $"
	SaysAddress         Saying = "address $"
	SaysSigningPassword Saying = "signing password of user $"
	SaysLine            Saying = "line $"
	SaysTenant          Saying = "tenant $"
	SaysStation         Saying = "station $"
	SaysStationLanguage Saying = "language of station $"
	SaysDisplay         Saying = "display $"
	SaysSession         Saying = "session of $"
	SaysSecret          Saying = "secret of destination $"
	SaysShifts          Saying = "shifts"
	SaysSigning         Saying = "who signs a shift"
	SaysEnd             Saying = "end of credentials"
	SaysRules           Saying = "stations and signatures"
	SaysConfirmation    Saying = "confirmation of passwords"
	SaysAlarmRule       Saying = "alarm rule $"
	SaysAlarm           Saying = "alarm $"
	SaysRecipient       Saying = "recipient $"
	SaysAlarmSettings   Saying = "how alarms are sent"
	SaysShift           Saying = "shift $ $"    // its day and its name
	SaysExport          Saying = "$, shift $ $" // the file, the day and the name of the shift
	SaysSchema          Saying = "schema $"
	SaysEntry           Saying = "entry $"
	SaysStored          Saying = "$, stored credentials"
	SaysJustTyped       Saying = "$, credentials just typed"
	SaysHistory         Saying = "history of tenant $ $" // its key and its slug
	SaysRecord          Saying = "record $ $"            // its table and its key
	SaysMoreRecords     Saying = "$ more records"
)

// What was set of it, or done with it.
const (
	SaysLock            Saying = "lock after $"
	SaysSignedByTwo     Saying = "releases signed by two people"
	SaysSigned          Saying = "releases signed"
	SaysUnanchored      Saying = "releases go on without an anchor"
	SaysUncopied        Saying = "releases go on without the copy"
	SaysBySecond        Saying = "by a second person"
	SaysWaived          Saying = "waived: nobody else can"
	SaysAnybody         Saying = "anybody who may review"
	SaysOtherReviewer   Saying = "somebody who did nothing in the shift"
	SaysNoEnd           Saying = "no end noted"
	SaysLastDay         Saying = "last day $"
	SaysTold            Saying = "told $ days before"
	SaysAllLines        Saying = "all lines"
	SaysUntil           Saying = "until $"
	SaysItems           Saying = "$ items"
	SaysAcknowledged    Saying = "$ of $ items acknowledged"
	SaysContent         Saying = "content $"
	SaysEntries         Saying = "entries $ to $, $ of them, last hash $"
	SaysHold            Saying = "entries 1 to $ hold"
	SaysBroken          Saying = "broken: $ at $ to $"
	SaysComparedMissing Saying = "$ anchors compared, $ missing"
	SaysCompared        Saying = "$ anchors compared"
	SaysClockBack       Saying = "clock set back $ times, first at $"
	SaysRecordsDiffer   Saying = "$ records differ, first $"
	SaysSchemaDiffers   Saying = "$ parts of the schema differ, first $"
	SaysRestored        Saying = "one restore on $: entries $ to $ are lost"
	SaysListsCompared   Saying = "$ of $ serial lists compared"
	SaysListsStopped    Saying = "the server was stopped"
	SaysListsFailed     Saying = "they could not be read"
	SaysRecords         Saying = "$ records"
	SaysChangedByHand   Saying = "changed by hand"
	SaysDeletedByHand   Saying = "deleted by hand"
	SaysAddedByHand     Saying = "added by hand"
	SaysFoundByHand     Saying = "$ records changed by hand before they were written again, first $"
	SaysWorks           Saying = "works"
	SaysWorksNot        Saying = "does not work"
	SaysWorksNotAt      Saying = "does not work: $" // its step
	SaysImported        Saying = "$ new, $ changed, $ unchanged, SHA-256 $"
	SaysImportedAsked   Saying = "$ new, $ changed, $ unchanged, SHA-256 $, $ questions confirmed"
	SaysGivenBack       Saying = "import $: $ values given back, $ orders withdrawn, $ orders kept"
	SaysAnotherHuman    Saying = "another human than $"
	SaysTheSameHuman    Saying = "the same human as $"
	SaysLost            Saying = "entries $ to $"
	SaysRequested       Saying = "requested $ by $ · $"
	SaysPendingTwice    Saying = "$ at $ and at $"
)

// What follows the name of a person, a line, a site or a destination.
const (
	SaysNoRole    Saying = "no role here"
	SaysLines     Saying = "lines $"
	SaysSameHuman Saying = "same human as $"
	SaysInactive  Saying = "not active"
	SaysRetired   Saying = "retired"
	SaysToken     Saying = "$ token in $"
	SaysLets      Saying = "lets through $"
	SaysLate      Saying = "late after $"
	SaysGivesUp   Saying = "gives up after $"
)

// Of fills the gaps.
func (s Saying) Of(gaps ...any) string {
	pieces := strings.Split(string(s), "$")
	said := pieces[0]
	for i, gap := range gaps {
		said += fmt.Sprint(gap) + pieces[i+1]
	}
	return said
}

// Read returns what stands in the gaps of words of this form.
func (s Saying) Read(recorded string) (gaps []string, ok bool) {
	pieces := strings.Split(string(s), "$")
	rest, ok := strings.CutPrefix(recorded, pieces[0])
	for i := 1; ok && i < len(pieces); i++ {
		var gap string
		if i < len(pieces)-1 {
			gap, rest, ok = strings.Cut(rest, pieces[i])
		} else {
			gap, ok = strings.CutSuffix(rest, pieces[i])
			rest = ""
		}
		gaps, ok = append(gaps, gap), ok && gap != ""
	}
	return gaps, ok && rest == ""
}
