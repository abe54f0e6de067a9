package db

import (
	"database/sql"
	"encoding/json"
	"slices"

	"lineboard/internal/packaging"
)

// reach is the lines that a person was limited to when they gave an order a line: a JSON list, NULL where they were not
// limited. What they gave must not take an order from a line that they do not work on.
type reach struct{ sql.Null[string] }

func reachOf(p packaging.Person) (r reach, err error) {
	if len(p.Lines) == 0 {
		return r, nil
	}
	list, err := json.Marshal(p.Lines)
	r.V, r.Valid = string(list), true
	return r, err
}

// holds says whether the line that was given stands beside the one that the API says; 0 is one that is not set up here,
// or none.
func (r reach) holds(api packaging.LineID) bool {
	if !r.Valid {
		return true
	}
	var lines []packaging.LineID
	return json.Unmarshal([]byte(r.V), &lines) == nil && slices.Contains(lines, api)
}

// withoutLine is facts without a line.
func withoutLine(f packaging.Facts) packaging.Facts {
	f.LineCode, f.LineName = "", ""
	return f
}
