// Package admin serves what administrators set up: the connection, lines, people, sites, stations, tokens, shifts and
// single sign-on.
package admin

// Store is what all of it needs of the database.
type Store interface {
	AlarmsStore
	ConnectionStore
	DataStore
	DestinationsStore
	FirstStartStore
	LinesStore
	PeopleStore
	SessionsStore
	ShiftsStore
	SignOnStore
	SitesStore
	StationsStore
	TokensStore
}
