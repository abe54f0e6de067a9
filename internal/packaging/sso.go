package packaging

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// SingleSignOn is how people of a tenant sign in by the provider of their company (OpenID Connect). The client's secret
// is no part of it.
type SingleSignOn struct {
	Enabled  bool
	Label    string   // of the button: "Sign in with …"
	Home     string   // the address under which people open Lineboard, where the provider sends them back to
	Issuer   string   // exactly as the provider names itself
	ClientID string   // what the provider calls this Lineboard
	Scopes   []string // that are asked for beside openid
	Hosts    []string // those that the provider uses beside the issuer's own
	Claim    string   // that roles come from, with dots into objects
	Grants   []Grant
}

// Grant is what a value of the claim makes somebody.
type Grant struct {
	Value string
	Role  Role
	Lines []string // codes of the lines that they are limited to, none where they are not limited
}

// Set says whether there are settings at all.
func (s SingleSignOn) Set() bool { return s.Issuer != "" }

// Grant is the first one that fits a value: roles of several are never joined, because the lines of one would then hold
// for the roles of another.
func (s SingleSignOn) Grant(values []string) (g Grant, ok bool) {
	i := slices.IndexFunc(s.Grants, func(g Grant) bool { return slices.Contains(values, g.Value) })
	if i < 0 {
		return g, false
	}
	return s.Grants[i], true
}

// AllHosts are those that calls may go to.
func (s SingleSignOn) AllHosts() []string {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return s.Hosts
	}
	return append([]string{strings.ToLower(u.Hostname())}, s.Hosts...)
}

// DefaultScopes are those that most providers give names and addresses for.
var DefaultScopes = []string{"profile", "email"}

const (
	maxLabel   = 40  // characters of the button
	maxSetting = 500 // of a client ID, a claim or a value
	// MaxGrants is how many grants a tenant may have.
	MaxGrants = 50
)

var (
	hostForm  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	scopeForm = regexp.MustCompile(`^[!#-\[\]-~]{1,100}$`) // RFC 6749, appendix A.4
)

// Check says the first that is wrong with the settings, in the order of the form.
func (s SingleSignOn) Check() error {
	if wrong := s.Problems(); len(wrong) > 0 {
		return wrong[0]
	}
	return nil
}

// Problems are all that is wrong with the settings.
func (s SingleSignOn) Problems() (wrong []*Error) {
	fails := func(bad bool, key string, args ...string) {
		if bad {
			wrong = append(wrong, Fail(Invalid, key, args...))
		}
	}
	home, err := ParseBaseURL(s.Home)
	fails(!ValidName(s.Label) || utf8.RuneCountInString(s.Label) > maxLabel, "error.sso_label")
	fails(err != nil || home != s.Home || strings.Count(home, "/") > 2, "error.sso_home")
	_, err = ParseBaseURL(s.Issuer)
	fails(err != nil || len(s.Issuer) > maxSetting, "error.sso_issuer")
	fails(!plainText(s.ClientID), "error.sso_client_id")
	fails(
		slices.ContainsFunc(s.Scopes, func(scope string) bool { return !scopeForm.MatchString(scope) }),
		"error.sso_scopes",
	)
	fails(slices.ContainsFunc(s.Hosts, func(host string) bool {
		return !hostForm.MatchString(host)
	}), "error.sso_hosts")
	fails(!plainText(s.Claim), "error.sso_claim")
	fails(len(s.Grants) == 0 || len(s.Grants) > MaxGrants, "error.sso_grants")
	values := map[string]bool{}
	for _, g := range s.Grants {
		fails(!plainText(g.Value) || values[g.Value], "error.sso_value", "Value", g.Value)
		fails(!g.Role.Known(), "error.sso_role", "Value", g.Value)
		values[g.Value] = true
	}
	return wrong
}

func plainText(text string) bool {
	return strings.TrimSpace(text) != "" && len(text) <= maxSetting && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, unicode.IsControl)
}

// Describe is the settings as the history tells them.
func (s SingleSignOn) Describe() string {
	if !s.Set() {
		return ""
	}
	state := "off"
	if s.Enabled {
		state = "on"
	}
	parts := []string{
		state, s.Label, s.Issuer, "client " + s.ClientID, "at " + s.Home,
		"scopes " + strings.Join(append([]string{"openid"}, s.Scopes...), " "),
	}
	if len(s.Hosts) > 0 {
		parts = append(parts, "hosts "+strings.Join(s.Hosts, " "))
	}
	for _, g := range s.Grants {
		grant := fmt.Sprintf("%s=%s: %s", s.Claim, g.Value, g.Role)
		if len(g.Lines) > 0 {
			grant += " (lines " + strings.Join(g.Lines, ", ") + ")"
		}
		parts = append(parts, grant)
	}
	return strings.Join(parts, " · ")
}

// SignOn is a way to sign in that the sign-in page offers.
type SignOn struct {
	Tenant Tenant
	Label  string
}

// Identity is somebody as a provider knows them. Issuer and Subject say who it is; the rest may change.
type Identity struct {
	Issuer, Subject string
	Username        string // as the provider has it, empty if it gives none
	Email           string
	FullName        string
	Values          []string // of the claim that roles come from
}

// Names are what the provider calls the identity, what it is known by, and the username that comes of these.
func (i Identity) Names() []string {
	names := []string{i.Subject, i.Username, i.Email}
	if name := i.name(); !slices.Contains(names, name) {
		names = append(names, name)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// SignOnWait is somebody who came by the provider under the name of a person of the site. An administrator whom it is
// not about says whether both are the same human.
type SignOnWait struct {
	Identity
	Like  Person // who has the name
	Asked time.Time
}

// Name is the identity's username as it can be one here: what can't stand in one is left out.
func (i Identity) Name() string { return cmp.Or(i.name(), "person") }

// name is Name of an identity that has one.
func (i Identity) name() string {
	for _, from := range []string{i.Username, i.Email, i.FullName} {
		kept := inUsername(strings.ToValidUTF8(from, ""), "")
		if kept = cut(strings.TrimLeft(kept, "._@+-"), maxUsername); CheckUsername(kept) == nil {
			return kept
		}
	}
	return ""
}

// inUsername leaves out of a text what can't stand in a username, but for some characters.
func inUsername(text, but string) string {
	return strings.Map(func(r rune) rune {
		stands := unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune("._@+-"+but, r)
		if !stands || Unseen(r) {
			return -1
		}
		return r
	}, text)
}

// Usernames are those that the identity can have at a tenant, the one to take first. One of another person is never
// taken over.
func (i Identity) Usernames(slug string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		name := i.Name()
		ending := ""
		for n := 1; yield(cut(name, maxUsername-utf8.RuneCountInString(ending)) + ending); n++ {
			if ending = "." + cut(slug, maxUsername/2); n > 1 {
				ending += fmt.Sprint("-", n)
			}
		}
	}
}

// Called is the identity's name as it can be one here.
func (i Identity) Called() string {
	kept := withoutUnseen(strings.ToValidUTF8(i.FullName, ""))
	if kept = cut(strings.TrimSpace(kept), maxName); kept != "" {
		return kept
	}
	return i.Name()
}

func withoutUnseen(text string) string {
	return strings.Map(func(r rune) rune {
		if Unseen(r) {
			return -1
		}
		return r
	}, text)
}

func cut(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}

// SignOnReason is why single sign-on did not let somebody in.
type SignOnReason string

// The reasons.
const (
	SignOnOff       SignOnReason = "off"       // the site does not have it, or not any more
	SignOnDown      SignOnReason = "down"      // the provider gives no answer
	SignOnNoOpenID  SignOnReason = "no_openid" // what answers there is no such provider
	SignOnElsewhere SignOnReason = "elsewhere" // the provider wants calls to a host that is not listed
	SignOnCancelled SignOnReason = "cancelled" // the person, or the provider for them, said no
	SignOnRefused   SignOnReason = "refused"   // the provider answered with another error
	// it took too long, was begun in another browser, or is used a second time
	SignOnStale    SignOnReason = "stale"
	SignOnBadToken SignOnReason = "bad_token" // what it says is not proven to be from the provider, for us and of now
	SignOnNotAnew  SignOnReason = "not_anew"  // the person was to prove anew who they are, and was not asked
	SignOnOther    SignOnReason = "other"     // it was another person than the one who is signed in
	SignOnNoRole   SignOnReason = "no_role"   // no value gives the person a role
	SignOnInactive SignOnReason = "inactive"  // the person is deactivated
	SignOnTaken    SignOnReason = "taken"     // somebody else is connected with it
	SignOnSameName SignOnReason = "same_name" // a person of the site has the name: it may be the same human
)

// SignOnReasons are all of them.
var SignOnReasons = []SignOnReason{
	SignOnOff, SignOnDown, SignOnNoOpenID, SignOnElsewhere, SignOnCancelled, SignOnRefused, SignOnStale, SignOnBadToken,
	SignOnNotAnew, SignOnOther, SignOnNoRole, SignOnInactive, SignOnTaken, SignOnSameName,
}

// SignOnError says why single sign-on did not work. It holds nothing secret.
type SignOnError struct {
	Reason SignOnReason
	Detail string // for the person who looks after it, such as a host or the provider's code of an error
	Who    Author // whom it was about, as far as it is proven
}

func (e *SignOnError) Error() string {
	return strings.TrimSuffix("single sign-on: "+string(e.Reason)+": "+e.Detail, ": ")
}

// SignOnReport is what a test of a provider found.
type SignOnReport struct {
	Issuer    string
	Authorize string // addresses, as the provider names them
	Token     string
	Keys      string
	UserInfo  string // empty if there is none
	SignOut   string
	KeyCount  int
	PKCE      bool // it says that it checks S256
	Took      time.Duration
	Problem   *SignOnError // nil where it works
}

// SignOnAccount is what single sign-on is to one person.
type SignOnAccount struct {
	Label     string // of the site's button, empty where it has none
	Connected bool
	Password  bool // they have a password, which signs in and signs
	Signing   bool // they have a signing password, which only signs
}
