// Package config reads the provisioning file of a site and the settings file of the program. An error names the line of
// each mistake and what is expected there. It never quotes the file, which holds credentials.
package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Provisioning is a provisioning file.
type Provisioning struct {
	Tenants []Tenant `yaml:"tenants"`
}

// Tenant is one site's account at the vendor.
type Tenant struct {
	Slug         string        `yaml:"slug"`
	Name         string        `yaml:"name"`
	TimeZone     string        `yaml:"time_zone"`
	API          API           `yaml:"api"`
	Lines        []Line        `yaml:"lines"`
	Destinations []Destination `yaml:"destinations"`
	Shifts       Shifts        `yaml:"shifts"`
	SignOn       *SignOn       `yaml:"single_sign_on"`
	Users        []User        `yaml:"users"`
}

// API is how a tenant reaches the remote API. Credentials are given as env:NAME, file:PATH, or the value itself.
type API struct {
	BaseURL     string     `yaml:"base_url"`
	Token       string     `yaml:"token"`
	TokenHeader string     `yaml:"token_header"`
	Key         Credential `yaml:"api_key"`
	Secret      Credential `yaml:"api_secret"`
	ChannelKey  Credential `yaml:"channel_key"`
	StaticToken Credential `yaml:"static_token"`
	LastDay     string     `yaml:"last_day"`    // on which the credentials work
	RemindDays  string     `yaml:"remind_days"` // how many days before people are told
}

// End returns when the credentials end as the file says; nil where it says nothing of it.
func (a API) End() *packaging.CredentialsEnd {
	if a.LastDay == "" && a.RemindDays == "" {
		return nil
	}
	end := packaging.CredentialsEnd{LastDay: packaging.Day(a.LastDay), RemindDays: packaging.DefaultRemindDays}
	if a.RemindDays != "" {
		end.RemindDays, _ = strconv.Atoi(a.RemindDays) // 0 is refused
	}
	return &end
}

// SignOn is how people sign in with their company's provider (OpenID Connect).
type SignOn struct {
	Off      string     `yaml:"off"` // "true" or "false"; the settings stay, but the sign-in page does not offer it
	Label    string     `yaml:"label"`
	Home     string     `yaml:"home"`
	Issuer   string     `yaml:"issuer"`
	ClientID string     `yaml:"client_id"`
	Secret   Credential `yaml:"client_secret"` // empty for a public client
	Scopes   []string   `yaml:"scopes"`
	Hosts    []string   `yaml:"hosts"`
	Claim    string     `yaml:"claim"`
	Grants   []Grant    `yaml:"grants"`
}

// Grant gives roles to people whose claim has a value.
type Grant struct {
	Value string   `yaml:"value"`
	Role  string   `yaml:"role"`
	Roles []string `yaml:"roles"`
	Lines []string `yaml:"lines"`
}

// Settings returns the settings, with the default scopes if the file names none.
func (s SignOn) Settings() packaging.SingleSignOn {
	to := packaging.SingleSignOn{
		Enabled:  s.Off != "true",
		Label:    s.Label,
		Home:     strings.TrimRight(s.Home, "/"),
		Issuer:   s.Issuer,
		ClientID: s.ClientID,
		Scopes:   s.Scopes,
		Hosts:    s.Hosts,
		Claim:    s.Claim,
	}
	if to.Scopes == nil {
		to.Scopes = packaging.DefaultScopes
	}
	to.Scopes = slices.DeleteFunc(slices.Clone(to.Scopes), func(scope string) bool { return scope == "openid" })
	for _, g := range s.Grants {
		to.Grants = append(to.Grants, packaging.Grant{Value: g.Value, Role: joined(g.Role, g.Roles), Lines: g.Lines})
	}
	return to
}

// Line is a packaging line.
type Line struct {
	Code string `yaml:"code"`
	Name string `yaml:"name"`
}

// Shifts are the shifts of a tenant. New ones take effect on the next day.
type Shifts []Shift

// Shift is one of them, by the site's clock. Days are those on which it begins; none means every day.
type Shift struct {
	Name  string   `yaml:"name"`
	Start string   `yaml:"start"`
	End   string   `yaml:"end"`
	Days  []string `yaml:"days"`
}

// Plan returns the shifts. A time or day that is not valid counts as midnight or is left out.
func (s Shifts) Plan() (p packaging.Plan) {
	for _, one := range s {
		shift := packaging.Shift{Name: one.Name, Days: packaging.EveryDay}
		shift.Start, _ = packaging.ParseMinute(one.Start)
		shift.End, _ = packaging.ParseMinute(one.End)
		if len(one.Days) > 0 {
			shift.Days = 0
		}
		for _, d := range one.Days {
			if i := slices.Index(packaging.DayNames, d); i >= 0 {
				shift.Days |= packaging.On(packaging.Week[i])
			}
		}
		p.Shifts = append(p.Shifts, shift)
	}
	return p
}

// User is a person with their role at the tenant, or their roles.
type User struct {
	Username string     `yaml:"username"`
	Name     string     `yaml:"name"`
	Role     string     `yaml:"role"`
	Roles    []string   `yaml:"roles"`
	Password Credential `yaml:"password"`
	Lines    []string   `yaml:"lines"` // codes of the only lines they may see; nil leaves them as they are
}

// JoinedRole returns the role, or all of the roles as one.
func (u User) JoinedRole() packaging.Role { return joined(u.Role, u.Roles) }

func joined(one string, several []string) packaging.Role {
	if one != "" {
		return packaging.Role(one)
	}
	roles := make([]packaging.Role, len(several))
	for i, r := range several {
		roles[i] = packaging.Role(r)
	}
	return packaging.JoinRoles(roles...)
}

// Credential is a secret, with where the file says that it comes from.
type Credential struct {
	source string
	secret.Text
}

// UnmarshalYAML keeps what the file says. The check looks the value up.
func (c *Credential) UnmarshalYAML(decode func(any) error) error { return decode(&c.source) }

// resolve looks the value up.
func (c *Credential) resolve(getenv func(string) string) error {
	kind, rest, _ := strings.Cut(c.source, ":")
	switch kind {
	case "env":
		value := getenv(rest)
		if value == "" {
			return fmt.Errorf("the environment variable %s is not set", rest)
		}
		c.Text = secret.New(value)
	case "file":
		text, err := secret.ReadFile(rest)
		if err != nil {
			return err
		}
		c.Text = secret.New(text)
	default:
		c.Text = secret.New(c.source)
	}
	return nil
}

// ReadProvisioning reads and checks a provisioning file. Its error lists all mistakes.
func ReadProvisioning(
	path string, getenv func(string) string, destination CheckDestination,
) (Provisioning, error) {
	text, err := readFile(path)
	if err != nil {
		return Provisioning{}, fmt.Errorf("provisioning file can't be read: %w", err)
	}
	p, err := ParseProvisioning(text, getenv, destination)
	if err != nil {
		return Provisioning{}, fmt.Errorf("provisioning file %s:\n%w", path, err)
	}
	return p, nil
}

// ParseProvisioning checks the text of a provisioning file. Its error lists all mistakes.
func ParseProvisioning(
	text []byte, getenv func(string) string, destination CheckDestination,
) (p Provisioning, err error) {
	file, err := parsed(text)
	if err != nil {
		return p, err
	}
	if len(file.Docs) > 0 && file.Docs[0].Body != nil {
		if err := yaml.NodeToValue(file.Docs[0].Body, &p, yaml.Strict()); err != nil {
			return p, plain(err)
		}
	}
	c := check{file: file, getenv: getenv, destinationCheck: destination}
	c.provisioning(&p)
	return p, errors.Join(c.wrong...)
}

// plain returns a YAML error with its line but without an excerpt of the file.
func plain(err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		return fmt.Errorf("line %d: %s", at.GetToken().Position.Line, at.GetMessage())
	}
	return errors.New("this is not YAML of the expected shape; see the example in docs/setup.md")
}

// check collects mistakes.
type check struct {
	file             *ast.File
	getenv           func(string) string
	destinationCheck CheckDestination
	wrong            []error
}

// maxMistakes is how many mistakes of a file are listed: to find the line of each takes a look through the file.
const maxMistakes = 30

// fail adds a mistake at a path such as "$.tenants[0].name".
func (c *check) fail(path, format string, args ...any) {
	switch {
	case len(c.wrong) > maxMistakes:
		return
	case len(c.wrong) == maxMistakes:
		c.wrong = append(c.wrong, errors.New("there are further mistakes"))
		return
	}
	what := fmt.Sprintf(format, args...)
	c.wrong = append(c.wrong, fmt.Errorf("line %d: %s: %s", c.line(path), strings.TrimPrefix(path, "$."), what))
}

// line returns the line of a path, or of the nearest parent that the file has.
func (c *check) line(path string) int {
	for path != "" && path != "$" {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.FilterFile(c.file); err == nil && node != nil && node.GetToken() != nil {
				return node.GetToken().Position.Line
			}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

func (c *check) text(path, value string) {
	if strings.TrimSpace(value) == "" {
		c.fail(path, "is missing")
	}
}

// name checks the name of a thing or person.
func (c *check) name(path, value string) {
	if c.text(path, value); strings.TrimSpace(value) != "" && !packaging.ValidName(value) {
		c.fail(path, "must be at most 100 characters, all of which can be seen")
	}
}

func (c *check) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.fail(path, "must be one of: %s", strings.Join(allowed, ", "))
	}
}

func (c *check) credential(path string, v *Credential, needed bool) {
	if v.source == "" {
		if needed {
			c.fail(path, "is missing: env:NAME, file:PATH, or the value itself")
		}
		return
	}
	if err := v.resolve(c.getenv); err != nil {
		c.fail(path, "%v", err)
		return
	}
	if v.Empty() {
		c.fail(path, "is empty")
	}
	// These go into HTTP headers or a sign-in form.
	if strings.ContainsFunc(v.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		c.fail(path, "holds a line break or another control character")
	}
}

func (c *check) provisioning(p *Provisioning) {
	if len(p.Tenants) == 0 {
		c.fail("$.tenants", "must list at least one tenant")
	}
	slugs := map[string]bool{}
	people := map[string]*User{}
	for i := range p.Tenants {
		t, at := &p.Tenants[i], fmt.Sprintf("$.tenants[%d]", i)
		if slugs[t.Slug] {
			c.fail(at+".slug", "another tenant has it too")
		}
		slugs[t.Slug] = true
		c.tenant(at, t)
		for j := range t.Users {
			u, at := &t.Users[j], fmt.Sprintf("%s.users[%d]", at, j)
			name := strings.ToLower(u.Username)
			if same := people[name]; same != nil && (same.Name != u.Name || !same.Password.Equal(u.Password.Text)) {
				c.fail(
					at, "%s stands under another tenant with another name or password; one person has one of each",
					u.Username,
				)
			}
			people[name] = u
		}
	}
}

func (c *check) tenant(at string, t *Tenant) {
	if !packaging.ValidSlug(t.Slug) {
		c.fail(at+".slug", "must be lower-case letters, digits and hyphens, such as plant-ghent")
	}
	c.name(at+".name", t.Name)
	if t.TimeZone == "" {
		c.fail(at+".time_zone", "is missing: a zone such as Europe/Brussels")
	} else if !packaging.ValidTimeZone(t.TimeZone) {
		c.fail(at+".time_zone", "%q is no known zone; expected one such as Europe/Brussels", t.TimeZone)
	}
	c.api(at+".api", &t.API)
	codes := map[string]bool{}
	for i, l := range t.Lines {
		at := fmt.Sprintf("%s.lines[%d]", at, i)
		if !packaging.ValidLineCode(l.Code) {
			c.fail(at+".code", "must be 1 to 40 letters, digits, dots, hyphens, underscores or spaces, such as L1")
		}
		if codes[strings.ToLower(l.Code)] {
			c.fail(at+".code", "another line has it too")
		}
		codes[strings.ToLower(l.Code)] = true
		c.name(at+".name", l.Name)
	}
	c.destinations(at+".destinations", t.Destinations, codes)
	c.shifts(at+".shifts", t.Shifts)
	if t.SignOn != nil {
		c.signOn(at+".single_sign_on", t.SignOn, codes)
	}
	usernames := map[string]bool{}
	for i := range t.Users {
		u, at := &t.Users[i], fmt.Sprintf("%s.users[%d]", at, i)
		if usernames[strings.ToLower(u.Username)] {
			c.fail(at+".username", "stands here twice")
		}
		usernames[strings.ToLower(u.Username)] = true
		c.user(at, u)
		c.limit(at+".lines", u.Lines, codes)
	}
}

func (c *check) shifts(at string, shifts Shifts) {
	before := len(c.wrong)
	for i, s := range shifts {
		at := fmt.Sprintf("%s[%d]", at, i)
		for name, typed := range map[string]string{".start": s.Start, ".end": s.End} {
			if _, ok := packaging.ParseMinute(typed); !ok {
				c.fail(at+name, "must be a time of day such as 06:00")
			}
		}
		for j, d := range s.Days {
			c.oneOf(fmt.Sprintf("%s.days[%d]", at, j), d, packaging.DayNames...)
		}
	}
	if len(c.wrong) > before {
		return
	}
	var wrong *packaging.Error
	if errors.As(shifts.Plan().Check(), &wrong) {
		c.fail(at, "%s", shiftProblems[wrong.Key](wrong.Args["Name"], wrong.Args["Other"]))
	}
}

// shiftProblems words the mistakes in shifts.
var shiftProblems = map[string]func(name, other string) string{
	"shifts.bad_name": func(name, _ string) string {
		return fmt.Sprintf("the name %q must have 1 to 40 characters, and none of / \\ . ;", name)
	},
	"shifts.same_name": func(name, _ string) string { return fmt.Sprintf("two are called %s", name) },
	"shifts.overlap":   func(name, other string) string { return fmt.Sprintf("%s and %s overlap", other, name) },
	"shifts.too_many":  func(_, _ string) string { return fmt.Sprintf("more than %d", packaging.MaxShifts) },
}

func (c *check) api(at string, a *API) {
	if _, err := packaging.ParseBaseURL(a.BaseURL); err != nil {
		c.fail(at+".base_url", "must be an address such as https://api.movilitas.cloud (%v)", err)
	}
	if a.Token == "" {
		a.Token = "dynamic"
	}
	if a.TokenHeader == "" {
		a.TokenHeader = "x-access-token"
	}
	c.oneOf(at+".token", a.Token, "dynamic", "static")
	c.oneOf(at+".token_header", a.TokenHeader, "x-access-token", "authorization")
	dynamic := a.Token != "static"
	c.credential(at+".api_key", &a.Key, dynamic)
	c.credential(at+".api_secret", &a.Secret, dynamic)
	c.credential(at+".static_token", &a.StaticToken, !dynamic)
	c.credential(at+".channel_key", &a.ChannelKey, true)
	if end := a.End(); end != nil {
		if _, ok := packaging.ParseDay(a.LastDay); a.LastDay != "" && !ok {
			c.fail(at+".last_day", "must be a day such as 2027-03-31")
		} else if end.Check() != nil {
			c.fail(at+".remind_days", "must be 1 to 365")
		}
	}
}

// signOn reports each mistake with its line. The domain decides what is a mistake.
func (c *check) signOn(at string, s *SignOn, codes map[string]bool) {
	if s.Off != "" {
		c.oneOf(at+".off", s.Off, "true", "false")
	}
	c.credential(at+".client_secret", &s.Secret, false)
	for i, g := range s.Grants {
		at := fmt.Sprintf("%s.grants[%d]", at, i)
		c.text(at+".value", g.Value)
		c.roles(at, g.Role, g.Roles)
		c.limit(at+".lines", g.Lines, codes)
	}
	for _, wrong := range s.Settings().Problems() {
		if p, ok := signOnProblems[wrong.Key]; ok { // others are reported above
			c.fail(at+p.at, "%s", p.expected)
		}
	}
}

// signOnProblems words the mistakes in the settings of single sign-on, and says where they are.
var signOnProblems = map[string]struct{ at, expected string }{
	"error.sso_label": {".label", "must be the name on the button, of at most 40 characters"},
	"error.sso_home": {
		".home",
		"must be the address under which people open Lineboard, such as https://lineboard.example, without a path",
	},
	"error.sso_issuer": {
		".issuer", "must be the provider's issuer as it names itself, such as https://login.example/realms/plant",
	},
	"error.sso_client_id": {".client_id", "is missing: what the provider calls this Lineboard"},
	"error.sso_claim":     {".claim", "is missing: the claim that roles come from, such as groups"},
	"error.sso_scopes":    {".scopes", "must be names of scopes, such as profile"},
	"error.sso_hosts":     {".hosts", "must be names of hosts in lower case, without https:// and a path"},
	"error.sso_grants": {
		".grants", "must list what the values of the claim make somebody: at least one, at most 50",
	},
	"error.sso_value": {".grants", "a value is missing, too long, or stands there twice"},
}

// limit checks that the lines a person is limited to are lines of the tenant, each once.
func (c *check) limit(at string, lines []string, codes map[string]bool) {
	seen := map[string]bool{}
	for i, code := range lines {
		if code := strings.ToLower(code); !codes[code] || seen[code] {
			c.fail(fmt.Sprintf("%s[%d]", at, i), "must be the code of one of the tenant's lines, once")
		}
		seen[strings.ToLower(code)] = true
	}
}

func (c *check) user(at string, u *User) {
	if !packaging.ValidUsername(u.Username) {
		c.fail(at+".username", "must be 1 to 64 letters, digits or . _ @ + - and begin with a letter or digit")
	}
	if packaging.ReservedUsername(u.Username) {
		c.fail(at+".username", "is a name that the history has for what no person did")
	}
	c.name(at+".name", u.Name)
	c.roles(at, u.Role, u.Roles)
	c.credential(at+".password", &u.Password, true)
	if !u.Password.Empty() && secret.CheckPassword(u.Password.Text) != nil {
		c.fail(at+".password", "must have at least %d characters, and be none of the common ones", secret.MinPassword)
	}
}

func (c *check) roles(at, one string, several []string) {
	switch roles := names(packaging.Roles); {
	case one != "" && several != nil:
		c.fail(at+".roles", "stands beside role; give one of the two")
	case one == "" && len(several) > 0:
		for i, r := range several {
			c.oneOf(fmt.Sprintf("%s.roles[%d]", at, i), r, roles...)
		}
	case !packaging.Role(one).Known():
		c.oneOf(at+".role", one, roles...)
	}
}

func names[T ~string](some []T) []string {
	all := make([]string, len(some))
	for i, one := range some {
		all[i] = string(one)
	}
	return all
}
