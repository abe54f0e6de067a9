package packaging

import (
	"slices"
	"strings"
)

// Part is a part of what an entry says: a saying and what stands in its gaps, a word of the program, or what somebody
// typed, which stays as it is.
type Part struct {
	Saying Saying // empty for a word, and for what somebody typed
	Word   WordKind
	Gaps   []string // the word or the text alone where there is no saying
	quoted bool     // it stood in quotes: somebody typed it, whatever it says
}

// WordKind is what kind a word of the program is of.
type WordKind string

// The kinds of words.
const (
	RoleWord       WordKind = "role"
	KindWord       WordKind = "kind of destination"
	FormatWord     WordKind = "format"
	ScopeWord      WordKind = "scope"
	CredentialWord WordKind = "credential"
)

func typedPart(text string) Part { return Part{Gaps: []string{text}} }

// readPart reads what has one of the forms.
func readPart(recorded string, forms []Saying) Part {
	for _, form := range forms {
		if gaps, ok := form.Read(recorded); ok {
			return Part{Saying: form, Gaps: gaps}
		}
	}
	return typedPart(recorded)
}

// objects are the forms of what an entry is about; where two fit, the first counts.
var objects = []Saying{
	SaysUserAt, SaysUser, SaysAddress, SaysSigningPassword, SaysLine, SaysTenant, SaysStation, SaysStationLanguage,
	SaysDisplay, SaysSession, SaysSecret, SaysShifts, SaysSigning, SaysEnd, SaysRules, SaysConfirmation, SaysAlarmRule,
	SaysAlarm, SaysRecipient, SaysAlarmSettings, SaysShift, SaysSchema, SaysEntry, SaysStored, SaysJustTyped,
	SaysHistory,
}

// About reads what the entry is about. What somebody typed may be all of it.
func (e Entry) About() Part {
	switch {
	case e.Deed == Exported:
		return readPart(e.Object, []Saying{SaysExport})
	case e.Deed == RecordByHand:
		return readPart(e.Object, []Saying{SaysRecord, SaysMoreRecords})
	case e.Deed == CredentialSet && slices.Contains(RecordedCredentials, e.Object):
		return Part{Word: CredentialWord, Gaps: []string{e.Object}}
	case slices.Contains(typedObjects, e.Deed):
		return typedPart(e.Object)
	}
	return readPart(e.Object, objects)
}

// RecordedCredentials are what the history calls those of a site.
var RecordedCredentials = []string{
	"api_key", "api_secret", "channel_key", "static_token", "client_secret", "mail_password", "heartbeat",
}

// typedObjects are the deeds whose object somebody typed.
var typedObjects = []Deed{
	DestinationSet, DestinationStopped, DestinationStarted, DestinationRetired, DestinationTried, ListTaken, ListSent,
	ListCarried, ListStopped, TokenCreated, TokenRevoked, OrdersImported, ImportGivenBack, ViewSaved, ViewRemoved,
	SignOnTested, HumanSet,
}

// details are the forms of what was set of something, and what stands between them.
type details struct {
	separator string
	forms     []Saying
}

// detailsOf are those of the deeds whose details depend on nothing else.
var detailsOf = map[Deed]details{
	RulesSet: {", ", []Saying{
		SaysLock, SaysSignedByTwo, SaysSigned, SaysUnanchored, SaysUncopied, SaysBySecond, SaysWaived,
	}},
	ShiftsSet:         {"", []Saying{SaysAnybody, SaysOtherReviewer}},
	TenantSet:         {", ", []Saying{SaysNoEnd, SaysLastDay, SaysTold}}, // of its credentials
	StationSet:        {"", []Saying{SaysAllLines}},                       // a display
	TokenCreated:      {", ", []Saying{SaysAllLines, SaysUntil}},
	ShiftHandedOver:   {"", []Saying{SaysItems}},
	ShiftTakenOver:    {"", []Saying{SaysAcknowledged}},
	ItemsAcknowledged: {"", []Saying{SaysAcknowledged}},
	ShiftReviewed:     {between, []Saying{SaysContent, SaysEntries}},
	HistoryVerified: {"; ", []Saying{
		SaysHold, SaysBroken, SaysComparedMissing, SaysCompared, SaysClockBack, SaysRecordsDiffer, SaysSchemaDiffers,
		SaysRestored, SaysFoundByHand, SaysListsCompared, SaysListsStopped, SaysListsFailed,
	}},
	RecordsLogged:    {"", []Saying{SaysRecords}},
	RecordByHand:     {"", []Saying{SaysChangedByHand, SaysDeletedByHand, SaysAddedByHand}},
	ConnectionTested: {"", []Saying{SaysWorks, SaysWorksNotAt}},
	SignOnTested:     {"", []Saying{SaysWorks, SaysWorksNot}},
	OrdersImported:   {"", []Saying{SaysImportedAsked, SaysImported}},
	ImportGivenBack:  {"", []Saying{SaysGivenBack}},
	HumanSet:         {"", []Saying{SaysAnotherHuman, SaysTheSameHuman}},
	ReleaseLost:      {"", []Saying{SaysRequested}},
	HistoryLost:      {"", []Saying{SaysLost}},
	LossAccepted:     {"", []Saying{SaysLost}},
	LossAcknowledged: {"", []Saying{SaysLost}},
}

func (e Entry) about(form Saying) bool {
	_, is := form.Read(e.Object)
	return is
}

// Details reads what the entry has of before or after: its parts, and what stands between them.
func (e Entry) Details(recorded string) (parts []Part, separator string) {
	switch {
	case e.Deed == PersonSet:
		return readPerson(recorded), between
	case e.Deed == LineSet:
		return readLine(recorded), between
	case e.Deed == TenantSet && e.about(SaysTenant):
		return readTenant(recorded), between
	case e.Deed == DestinationSet:
		return readDestination(recorded), between
	case e.Deed == StationSet && !e.about(SaysDisplay):
		return []Part{typedPart(recorded)}, ""
	}
	d, all := detailsOf[e.Deed], []string{recorded}
	if d.separator != "" {
		all = strings.Split(recorded, d.separator)
	}
	for _, one := range all {
		part := readPart(one, d.forms)
		if e.Deed == TokenCreated && part.Saying == "" && slices.Contains(TokenScopes, scopeOf(one)) {
			part = Part{Word: ScopeWord, Gaps: []string{string(scopeOf(one))}}
		}
		parts = append(parts, part)
	}
	return parts, d.separator
}

// Recorded is a scope as the history has it.
func (s TokenScope) Recorded() string { return strings.ReplaceAll(string(s), "_", " ") }

func scopeOf(recorded string) TokenScope { return TokenScope(strings.ReplaceAll(recorded, " ", "_")) }

// between stands between the parts that follow a name. What somebody typed stands in quotes where it would be taken for
// several parts, or for words of the program.
const between = " · "

func quoted(typed string) string {
	_, lets := SaysLets.Read(typed)
	if lets || strings.Contains(typed, between) || strings.HasPrefix(typed, `"`) {
		return `"` + strings.ReplaceAll(typed, `"`, `""`) + `"`
	}
	return typed
}

// readParts reads parts that stand in quotes where they must. Entries of before that was so have none: their parts are
// what stands between.
func readParts(recorded string) (parts []Part) {
	for more := true; more; {
		part, rest, isQuoted, goesOn := cutQuoted(recorded)
		parts = append(parts, Part{Gaps: []string{part}, quoted: isQuoted})
		recorded, more = rest, goesOn
	}
	return parts
}

func cutQuoted(recorded string) (part, rest string, isQuoted, more bool) {
	for end := 1; end < len(recorded) && recorded[0] == '"'; end++ {
		closes := recorded[end] == '"' && (end+1 == len(recorded) || strings.HasPrefix(recorded[end+1:], between))
		if !closes {
			continue
		}
		part = strings.ReplaceAll(recorded[1:end], `""`, `"`)
		if quoted(part) != recorded[:end+1] {
			continue
		}
		rest, more = strings.CutPrefix(recorded[end+1:], between)
		return part, rest, true, more
	}
	part, rest, more = strings.Cut(recorded, between)
	return part, rest, false, more
}

// last reads the part before at as one of the forms where it is one, and gives the place before it. A name comes first.
func last(parts []Part, at int, forms ...Saying) int {
	if at < 2 || parts[at-1].quoted {
		return at
	}
	read := readPart(parts[at-1].Gaps[0], forms)
	if read.Saying == "" {
		return at
	}
	parts[at-1] = read
	return at - 1
}

// PersonDetails are what the history says of a person at a site: their name, roles, the codes of the lines that they
// are limited to, their other accounts, and whether they are active.
func PersonDetails(name string, role Role, lines, accounts string, active bool) string {
	parts := []string{quoted(name), string(role)}
	if role == "" {
		parts[1] = SaysNoRole.Of()
	}
	if lines != "" {
		parts = append(parts, SaysLines.Of(lines))
	}
	if accounts != "" {
		parts = append(parts, SaysSameHuman.Of(accounts))
	}
	if !active {
		parts = append(parts, SaysInactive.Of())
	}
	return strings.Join(parts, between)
}

// readPerson reads from the end: what can be there stands in turn, and a role is always there.
func readPerson(recorded string) []Part {
	parts := readParts(recorded)
	at := len(parts)
	for _, form := range []Saying{SaysInactive, SaysSameHuman, SaysLines} {
		at = last(parts, at, form)
	}
	if at = last(parts, at, SaysNoRole); at > 1 && Role(parts[at-1].Gaps[0]).Known() {
		parts[at-1].Word = RoleWord
	}
	return parts
}

// Details are what the history says of a line.
func (l Line) Details() string {
	if l.Retired {
		return quoted(l.Name) + between + SaysRetired.Of()
	}
	return quoted(l.Name)
}

func readLine(recorded string) []Part {
	parts := readParts(recorded)
	last(parts, len(parts), SaysRetired)
	return parts
}

// Details are what the history says of a site, with the kind of its token and the header that it goes in.
func (t Tenant) Details(kind, header string) string {
	return strings.Join([]string{quoted(t.Name), t.TimeZone, quoted(t.BaseURL), SaysToken.Of(kind, header)}, between)
}

func readTenant(recorded string) []Part {
	parts := readParts(recorded)
	last(parts, len(parts), SaysToken)
	return parts
}

// Details are what the history says of a destination, never a secret.
func (d Destination) Details() string {
	parts := []string{quoted(d.Name), string(d.Kind)}
	for _, part := range []string{
		quoted(d.Address), quoted(d.Username), d.HostKey, quoted(d.PublicURL), quoted(d.FileName), string(d.Format),
		quoted(d.Template),
	} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	for _, kind := range d.Lets {
		parts = append(parts, SaysLets.Of(kind))
	}
	parts = append(parts, SaysLate.Of(d.LateAfter), SaysGivesUp.Of(d.GiveUp))
	return strings.Join(parts, between)
}

// readDestination reads from the end, and the kind after the name.
func readDestination(recorded string) []Part {
	parts := readParts(recorded)
	at := last(parts, len(parts), SaysGivesUp)
	at = last(parts, at, SaysLate)
	for before := at + 1; at < before; {
		before, at = at, last(parts, at, SaysLets)
	}
	if kind := 1 + slices.IndexFunc(parts[1:], isKind); kind > 0 {
		parts[kind].Word = KindWord
	}
	format := at - 1
	if format > 2 && parts[format-1].Gaps[0] == string(OwnFormat) {
		format-- // a template follows it
	}
	if format > 1 && slices.Contains(ListFormats, ListFormat(parts[format].Gaps[0])) {
		parts[format].Word = FormatWord
	}
	return parts
}

func isKind(p Part) bool { return slices.Contains(DestinationKinds, DestinationKind(p.Gaps[0])) }
