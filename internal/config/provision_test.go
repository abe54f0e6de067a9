package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/internal/config"
)

const good = `tenants:
  - slug: plant-ghent
    name: Plant Ghent
    time_zone: Europe/Brussels
    api:
      base_url: https://api.movilitas.cloud
      token: dynamic            # or static
      token_header: x-access-token   # or authorization
      api_key: env:GHENT_API_KEY
      api_secret: file:$SECRET
      channel_key: the-value-itself
    lines:
      - {code: L1, name: Blister line 1}
      - {code: L2, name: Bottle line 2}
    shifts:
      - {name: Early, start: 06:00, end: "14:00"}
      - {name: Night, start: 22:00, end: 06:00, days: [sun, mon]}
    users:
      - {username: supervisor1, name: First supervisor, role: supervisor, password: env:SUPERVISOR1_PASSWORD}
`

func getenv(name string) string {
	return map[string]string{"GHENT_API_KEY": "key-from-env", "SUPERVISOR1_PASSWORD": "password-from-env"}[name]
}

// file is the good file with one thing replaced.
func file(t *testing.T, old, new string) []byte {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "ghent")
	if err := os.WriteFile(secret, []byte("secret-from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(good, old) {
		t.Fatalf("the good file has no %q", old)
	}
	return []byte(strings.ReplaceAll(strings.Replace(good, old, new, 1), "$SECRET", secret))
}

func TestAProvisioningFileIsReadWithItsCredentialsFromWhereItSays(t *testing.T) {
	p, err := config.ParseProvisioning(file(t, "dynamic ", "dynamic "), getenv, anyDestination)
	if err != nil {
		t.Fatal(err)
	}
	tenant := p.Tenants[0]
	for what, got := range map[string][2]string{
		"slug":     {tenant.Slug, "plant-ghent"},
		"zone":     {tenant.TimeZone, "Europe/Brussels"},
		"key":      {tenant.API.Key.Reveal(), "key-from-env"},
		"secret":   {tenant.API.Secret.Reveal(), "secret-from-file"},
		"channel":  {tenant.API.ChannelKey.Reveal(), "the-value-itself"},
		"line":     {tenant.Lines[1].Name, "Bottle line 2"},
		"shift":    {tenant.Shifts.Plan().Shifts[1].String(), "Night 22:00–06:00 mon sun"},
		"password": {tenant.Users[0].Password.Reveal(), "password-from-env"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, want %q", what, got[0], got[1])
		}
	}
}

func TestTheEndOfCredentialsIsLeftAsItIsUnlessTheFileSaysIt(t *testing.T) {
	for says, want := range map[string]string{
		"token: dynamic ":                              "",
		"last_day: 2027-03-31 ":                        "last day 2027-03-31, told 30 days before",
		"last_day: 2027-03-31\n      remind_days: 14 ": "last day 2027-03-31, told 14 days before",
		"remind_days: 14 ":                             "no end noted, told 14 days before",
	} {
		p, err := config.ParseProvisioning(file(t, "token: dynamic ", says), getenv, anyDestination)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if end := p.Tenants[0].API.End(); end != nil {
			got = end.String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", says, got, want)
		}
	}
}

func TestTokenKindAndHeaderHaveDefaults(t *testing.T) {
	text := strings.Replace(
		string(file(t, "      token_header: x-access-token   # or authorization\n", "")),
		"      token: dynamic            # or static\n", "", 1,
	)
	p, err := config.ParseProvisioning([]byte(text), getenv, anyDestination)
	if err != nil {
		t.Fatal(err)
	}
	if api := p.Tenants[0].API; api.Token != "dynamic" || api.TokenHeader != "x-access-token" {
		t.Errorf("token %q in %q", api.Token, api.TokenHeader)
	}
}

func TestAMistakeIsToldWithItsLineAndWhatIsExpectedAndNeverWithASecret(t *testing.T) {
	for name, test := range map[string]struct{ old, new, line, says string }{
		"not YAML":         {"name: Plant Ghent", "name: [the-value-itself", "line", ""},
		"an unknown field": {"    time_zone:", "    timezone:", "line 4", "timezone"},
		"no tenants":       {good, "tenants: []\n", "line 1", "at least one tenant"},
		"an empty file":    {good, "", "", "at least one tenant"},
		"a bad slug":       {"slug: plant-ghent", "slug: Plant Ghent", "line 2", "lower-case"},
		"no name":          {"    name: Plant Ghent\n", "", "line 2", "tenants[0].name: is missing"},
		"an unknown zone":  {"Europe/Brussels", "Europe/Gent", "line 4", "Europe/Gent"},
		"a base URL without one": {
			"https://api.movilitas.cloud", "api.movilitas.cloud", "line 6", "https://api.movilitas.cloud",
		},
		"an unknown token kind": {"token: dynamic ", "token: eternal ", "line 7", "dynamic, static"},
		"an unknown header": {
			"token_header: x-access-token", "token_header: cookie", "line 8", "x-access-token, authorization",
		},
		"an unset variable":      {"env:GHENT_API_KEY", "env:GHENT_KEY", "line 9", "GHENT_KEY is not set"},
		"a missing file":         {"file:$SECRET", "file:/nowhere/at/all", "line 10", "no such file"},
		"no channel key":         {"      channel_key: the-value-itself\n", "", "line", "api.channel_key: is missing"},
		"static without a token": {"token: dynamic ", "token: static ", "line", "api.static_token: is missing"},
		"a line break in a key": {
			"channel_key: the-value-itself", `channel_key: "the-value-itself\n"`, "line 11", "control character",
		},
		"no last day":            {"token: dynamic ", "last_day: soon ", "line 7", "such as 2027-03-31"},
		"a day that is none":     {"token: dynamic ", "last_day: 2027-02-29 ", "line 7", "such as 2027-03-31"},
		"days that are none":     {"token: dynamic ", "remind_days: 0 ", "line 7", "1 to 365"},
		"a line twice":           {"code: L2", "code: l1", "line 14", "another line has it too"},
		"a line without a code":  {"code: L2, ", "", "line 14", "code: must be"},
		"shifts that overlap":    {"end: \"14:00\"", "end: \"22:01\"", "line 16", "overlap"},
		"a shift without an end": {"start: 22:00, end: 06:00", "start: 22:00", "line 17", "such as 06:00"},
		"no day of the week":     {"[sun, mon]", "[sunday]", "line 17", "mon, tue"},
		"a bad username":         {"username: supervisor1", "username: 'the boss'", "line 19", "username"},
		"the program's username": {"username: supervisor1", "username: Lineboard", "line 19", "what no person did"},
		"a name that turns":      {"First supervisor", `"First\u202e supervisor"`, "line 19", "can be seen"},
		"an unknown role": {
			"role: supervisor", "role: boss", "line 19", "operator, supervisor, manager, auditor, administrator",
		},
		"a short password": {"env:SUPERVISOR1_PASSWORD", "short", "line 19", "at least 12"},
		"a role twice": {
			"role: supervisor", "role: supervisor, roles: [manager]", "line 19", "give one of the two",
		},
		"an unknown one of two": {
			"role: supervisor", "roles: [supervisor, boss]", "line 19", "roles[1]: must be one of",
		},
		"a limit to no line": {
			"role: supervisor", "role: supervisor, lines: [L1, L9]", "line 19", "lines[1]: must be the code",
		},
		"a common password": {"env:SUPERVISOR1_PASSWORD", "Password1234", "line 19", "none of the common ones"},
		"http outside": {
			"https://api.movilitas.cloud", "http://api.movilitas.cloud", "line 6", "for this machine alone",
		},
		"a list instead": {"name: Plant Ghent", "name: [a]", "line 3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.ParseProvisioning(file(t, test.old, test.new), getenv, anyDestination)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.line) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q, want %q and %q in it", err, test.line, test.says)
			}
			for _, secret := range []string{
				"key-from-env", "secret-from-file", "the-value-itself", "password-from-env",
			} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a credential: %v", err)
				}
			}
		})
	}
}

const goodSignOn = `    single_sign_on:
      label: Plant account
      home: https://lineboard.plant.example/
      issuer: https://login.plant.example/realms/plant
      client_id: lineboard
      client_secret: env:CLIENT_SECRET
      claim: realm_access.roles
      hosts: [keys.plant.example]
      grants:
        - {value: leads, roles: [supervisor, auditor]}
        - {value: packers, role: operator, lines: [L1]}
    users:
`

func signOnEnv(name string) string {
	if name == "CLIENT_SECRET" {
		return "client-secret-from-env"
	}
	return getenv(name)
}

func TestSingleSignOnIsReadWithItsSecretFromWhereItSays(t *testing.T) {
	p, err := config.ParseProvisioning(file(t, "    users:\n", goodSignOn), signOnEnv, anyDestination)
	if err != nil {
		t.Fatal(err)
	}
	on := p.Tenants[0].SignOn
	const want = "on · Plant account · https://login.plant.example/realms/plant · client lineboard · at https://lineboard.plant.example · " +
		"scopes openid profile email · hosts keys.plant.example · realm_access.roles=leads: auditor+supervisor · realm_access.roles=packers: operator (lines L1)"
	if got := on.Settings().Describe(); got != want || on.Secret.Reveal() != "client-secret-from-env" {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAValueIsTheTextThatStandsInTheFile(t *testing.T) {
	for _, code := range []string{
		"010", "000123", "0x1A", "1_000", "0o17", "1.50", "1e3", "True", "12345678901234567890", "0b1",
	} {
		text := strings.NewReplacer(
			"code: L1", "code: "+code, "name: Blister line 1", "name: &n "+code, "name: Bottle line 2", "name: *n",
		).Replace(string(file(t, "L2", "L2")))
		p, err := config.ParseProvisioning(
			[]byte(strings.Replace(text, "role: supervisor", "role: supervisor, lines: ["+code+"]", 1)), getenv,
			anyDestination,
		)
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		tenant := p.Tenants[0]
		for _, got := range []string{
			tenant.Lines[0].Code, tenant.Lines[0].Name, tenant.Lines[1].Name, tenant.Users[0].Lines[0],
		} {
			if got != code {
				t.Errorf("%s became %q", code, got)
			}
		}
	}
}

func TestAFileIsReadInTheEncodingsOfEditors(t *testing.T) {
	crlf := strings.ReplaceAll(string(file(t, "Ghent", "Génève")), "\n", "\r\n")
	if p, err := config.ParseProvisioning([]byte("\ufeff"+crlf), getenv, anyDestination); err != nil ||
		p.Tenants[0].Name != "Plant Génève" {
		t.Errorf("%+v %v", p, err)
	}
	for name, text := range map[string][]byte{
		"line 3: this is not UTF-8": file(t, "Ghent", "G\xe9n\xe8ve"),
		"line 3: tags":              file(t, "name: Plant Ghent", "name: !!int 010"),
		"line 21: this must be one YAML document": file(
			t, "env:SUPERVISOR1_PASSWORD}\n", "env:SUPERVISOR1_PASSWORD}\n---\ntenants: []\n",
		),
	} {
		if _, err := config.ParseProvisioning(text, getenv, anyDestination); err == nil ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%q, want %q", err, name)
		}
	}
}

func TestMarksAndLineEndsOfASecretsFileAreNoPartOfIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for content, want := range map[string]string{
		"\ufeffsecret\r\n": "secret",
		"secret\n\n":       "secret",
		" secret \r":       " secret ",
		"\xff\xfes\x00e\x00c\x00r\x00e\x00t\x00\r\x00\n\x00": "secret",
		"s\xe9cret": "",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := config.ParseProvisioning(file(t, "file:$SECRET", "file:"+path), getenv, anyDestination)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "line 10") || !strings.Contains(err.Error(), "not UTF-8") {
				t.Errorf("%q: %v", content, err)
			}
		} else if err != nil || p.Tenants[0].API.Secret.Reveal() != want {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestEachMistakeInSingleSignOnIsToldWithItsLine(t *testing.T) {
	for name, test := range map[string]struct{ old, new, line, says string }{
		"no label":           {"label: Plant account", "label: ''", "line 19", "the name on the button"},
		"plain HTTP":         {"home: https://", "home: http://", "line 20", "without a path"},
		"a path":             {"plant.example/\n", "plant.example/there\n", "line 20", "without a path"},
		"a bad issuer":       {"issuer: https://", "issuer: ftp://", "line 21", "as it names itself"},
		"no client":          {"client_id: lineboard", "client_id: ''", "line 22", "what the provider calls"},
		"an unset variable":  {"env:CLIENT_SECRET", "env:NO_SECRET", "line 23", "NO_SECRET is not set"},
		"no claim":           {"claim: realm_access.roles", "claim: ''", "line 24", "such as groups"},
		"a host that is URL": {"[keys.plant.example]", "['https://keys.plant.example']", "line 25", "names of hosts"},
		"an unknown role":    {"role: operator", "role: boss", "line 28", "must be one of"},
		"no such line":       {"lines: [L1]}\n    users", "lines: [L9]}\n    users", "line 28", "must be the code"},
		"a value twice":      {"value: packers", "value: leads", "line 27", "twice"},
		"no value":           {"value: packers, ", "", "line 28", "value: is missing"},
		"an unknown field":   {"claim: realm", "claims: realm", "line 24", "claims"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(goodSignOn, test.old) {
				t.Fatalf("there is no %q", test.old)
			}
			text := strings.Replace(goodSignOn, test.old, test.new, 1)
			_, err := config.ParseProvisioning(file(t, "    users:\n", text), signOnEnv, anyDestination)
			if err == nil || !strings.Contains(err.Error(), test.line+":") ||
				!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret-from") {
				t.Errorf("error %q, want %q and %q in it", err, test.line, test.says)
			}
		})
	}
}

func TestAPersonMayHaveSeveralRolesAndBeLimitedToLines(t *testing.T) {
	p, err := config.ParseProvisioning(
		file(t, "role: supervisor", "roles: [supervisor, administrator], lines: [l2]"), getenv, anyDestination,
	)
	if err != nil {
		t.Fatal(err)
	}
	if u := p.Tenants[0].Users[0]; u.JoinedRole() != "administrator+supervisor" || len(u.Lines) != 1 ||
		u.Lines[0] != "l2" {
		t.Errorf("user %+v", u)
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	text := strings.Replace(string(file(t, "slug: plant-ghent", "slug: A")), "role: supervisor", "role: boss", 1)
	_, err := config.ParseProvisioning([]byte(text), getenv, anyDestination)
	if err == nil || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "line 19") {
		t.Errorf("error %v", err)
	}
}

func TestAHostileFileIsRefusedAtOnce(t *testing.T) {
	bomb := "&a0 [x, x]"
	for n := range 30 {
		bomb += fmt.Sprintf(", &a%d [*a%d, *a%[2]d]", n+1, n)
	}
	with := func(old, new string) string { return string(file(t, old, new)) }
	below := func(what string) (all string) { // as deep as a file can be
		for depth := 1; len(all) < 1<<20-2000; depth++ {
			all += strings.Repeat(" ", depth) + what + "\n"
		}
		return all
	}
	for name, test := range map[string]struct{ text, says string }{
		"a long text":            {with("Plant Ghent", strings.Repeat("x", 10<<20)), "larger than 1 MiB"},
		"many tenants":           {"tenants:\n" + strings.Repeat("  - {}\n", 10_000), "further mistakes"},
		"deep brackets":          {"tenants: " + strings.Repeat("[", 500_000), "line 1: brackets and lists"},
		"deep braces":            {"tenants:\n  " + strings.Repeat("{a: ", 250_000), "line 2: brackets and lists"},
		"deep lists":             {"tenants:\n" + strings.Repeat("- ", 500_000), "line 2: brackets and lists"},
		"deep keys":              {"tenants:\n" + strings.Repeat("? ", 500_000), "line 2: brackets and lists"},
		"keys below each other":  {"tenants:\n" + below("a:"), "line 2: mapping"},
		"lists below each other": {"tenants:\n" + below("-"), "line 3: sequence"},
		"aliases of aliases":     {with("    users:\n", "    x: ["+bomb+"]\n    users:\n"), `unknown field "x"`},
		"aliases in a name":      {with("name: Plant Ghent", "name: ["+bomb+"]"), "line 3"},
		"an alias of itself":     {with("    api:\n", "    api: &a\n      <<: *a\n"), "not YAML of the expected shape"},
		"a key twice":            {with("role: supervisor", "role: supervisor, role: administrator"), "line 19"},
		"a merged key twice":     {with("role: supervisor", "role: supervisor, <<: {role: administrator}"), "line 19"},
		"a NUL":                  {with("name: Plant Ghent", "name: Plant\x00Ghent"), "line 3"},
		"an escaped NUL":         {with("slug: plant-ghent", `slug: "plant\0"`), "line 2"},
		"a slug of look-alikes":  {with("slug: plant-ghent", "slug: рlant-ghent"), "line 2"},
		"a secret without end":   {with("the-value-itself", "'file:/dev/zero'"), "/dev/zero is larger than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := config.ParseProvisioning([]byte(test.text), getenv, anyDestination)
			if err == nil || !strings.Contains(err.Error(), test.says) || len(err.Error()) > 20_000 {
				t.Errorf("%.300v, want %q", err, test.says)
			}
			if took := time.Since(began); took > 30*time.Second { // on a busy machine; without the bounds it is hours
				t.Errorf("it took %v", took)
			}
		})
	}
	if _, err := config.ReadProvisioning("/dev/zero", getenv, anyDestination); err == nil ||
		!strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("a file without end: %.100v", err)
	}
}

func TestAFileThatCanNotBeReadSaysSo(t *testing.T) {
	if _, err := config.ReadProvisioning("/nowhere/site.yaml", getenv, anyDestination); err == nil ||
		!strings.Contains(err.Error(), "/nowhere/site.yaml") {
		t.Errorf("error %v", err)
	}
}

func TestTheDemoIsAFileLikeAnyOther(t *testing.T) {
	p, err := config.Demo("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Tenants) != 1 || len(p.Tenants[0].Users) != 6 || p.Tenants[0].API.BaseURL != "http://127.0.0.1:1" {
		t.Errorf("demo %+v", p)
	}
}
