package config

import (
	"maps"
	"strings"
	"testing"
)

// line is a setting as a flag takes it, and its line.
type line struct {
	value string
	at    int
}

func TestASettingsFileHasTheNamesOfFlags(t *testing.T) {
	known := func(name string) bool {
		return strings.Contains(" addr data refresh https trusted-proxies ", " "+name+" ")
	}
	for text, want := range map[string]map[string]line{
		"":                  {},
		"# nothing yet\n":   {},
		"\ufeffaddr: :80\n": {"addr": {":80", 1}},
		"addr: :8080\n\n# how often\nrefresh: 30s\nhttps: true\n": {
			"addr": {":8080", 1}, "refresh": {"30s", 4}, "https": {"true", 5},
		},
		"trusted-proxies:\n  - 10.0.0.5/32\n  - 10.0.0.6/32\n": {"trusted-proxies": {"10.0.0.5/32,10.0.0.6/32", 1}},
		"data: 010\n":                     {"data": {"010", 1}},
		"\"addr\": :80\n'data': x\n":      {"addr": {":80", 1}, "data": {"x", 2}},
		"addr: :80\r\nhttps: true\r\n":    {"addr": {":80", 1}, "https": {"true", 2}},
		"---\naddr: :80\n":                {"addr": {":80", 2}},
		"data: 'a, b'\n":                  {"data": {"a, b", 1}},
		"trusted-proxies: [\"a,b\", c]\n": {"trusted-proxies": {`a\,b,c`, 1}},
	} {
		settings, err := parseSettings([]byte(text), known)
		got := map[string]line{}
		for name, s := range settings {
			got[name] = line{s.Joined(","), s.Line}
		}
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"addr: :80\nadr: :81\n":              "line 2: there is no setting adr",
		"addr: :80\n\naddr: :81\n":           "line 3: ",
		"addr:\n":                            "line 1: addr needs a value",
		"addr: {port: 80}\n":                 "line 1: addr needs a value",
		"trusted-proxies: [[10.0.0.5/32]]\n": "line 1: trusted-proxies needs a value",
		"- addr\n":                           "line 1: settings are lines such as",
		"addr: :80\n---\naddr: :81\n":        "one YAML document",
		"addr: \"\n":                         "line 1",
		"addr: :80\n\tdata: x\n":             "line 2: ",
		"addr: &here :80\n":                  "line 1: addr needs a value",
		"addr: :80\ndata: ~\n":               "line 2: data needs a value",
		"\"addr\": :80\naddr: :81\n":         "line 2: ",
		"addr: \xff\n":                       "line 1: this is not UTF-8",
		"a: 1\nb: 2\n":                       "line 2: there is no setting b",
	} {
		if got, err := parseSettings([]byte(text), known); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v, want %q", text, got, err, says)
		}
	}
}
