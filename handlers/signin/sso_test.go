package signin_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/provider"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

func TestSomebodyComesByTheirCompanysProviderAndIsWhatItSays(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(handlerstest.Company){
		"claims in the ID token":  func(c handlerstest.Company) { c.InToken() },
		"claims by userinfo only": func(handlerstest.Company) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handlerstest.NewCompany(t)
			prepare(c)
			b := c.Browser()
			page := b.Get("/login?next=/orders")
			if href := page.Attr(".sign-ons a", "href"); href != "/sso/ghent?next=%2Forders" ||
				page.Text(".sign-ons a") != "Sign in with Plant account" {
				t.Fatalf("button %q to %q", page.Text(".sign-ons a"), href)
			}
			to, err := url.Parse(c.Begin(b, "ghent", "/orders"))
			if err != nil {
				t.Fatal(err)
			}
			if q := to.Query(); q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" ||
				q.Get("nonce") == "" || q.Get("response_type") != "code" ||
				q.Get("redirect_uri") != c.Web.URL+"/sso/ghent/callback" || len(q.Get("state")) < 20 {
				t.Errorf("asked with %v", q)
			}
			a := b.Get(c.PathOf(c.Provider.Through(t, b.Client, to.String(), "ines")))
			if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/orders" {
				t.Fatalf("back: %d %q %s", a.Status, a.Header.Get("Location"), a.Text("[role=alert]"))
			}
			p := c.Person("ines")
			if p.FullName != "Inès Dupont" || p.Role != packaging.Supervisor || len(p.Lines) != 1 {
				t.Errorf("person %+v", p)
			}
			if got := b.Get("/").All(".lane h2 span"); !slices.Equal(got, []string{"Blister line 1"}) {
				t.Errorf("lanes %q", got)
			}
			if e := c.History(); e[0].Deed != packaging.SignedIn || e[0].By.Username != "ines" ||
				e[0].Object != "single sign-on" ||
				e[1].Deed != packaging.PersonSet || e[1].New != "Inès Dupont · supervisor · lines L1" ||
				e[1].By.Username != "single sign-on" {
				t.Errorf("history %+v", e[:2])
			}

			t.Log("the second time, with other groups and another name")
			was := handlerstest.CookieOf(t, c.Site, b)
			married := handlerstest.Ines
			married.LastName, married.Groups = "Dupont-Roy", []string{"leads", "packers"}
			c.Set(married)
			if a := c.Come(b, "ghent", "ines"); a.Status != http.StatusSeeOther {
				t.Fatalf("again: %d %s", a.Status, a.Text("[role=alert]"))
			}
			again := c.Person("ines")
			if again.ID != p.ID || again.Role != packaging.Manager || len(again.Lines) != 0 ||
				again.FullName != "Inès Dupont-Roy" {
				t.Errorf("person %+v", again)
			}
			if handlerstest.CookieOf(t, c.Site, b) == was {
				t.Error("the session goes on under the token from before")
			}
			i := slices.IndexFunc(c.History(), func(e packaging.Entry) bool { return e.Deed == packaging.PersonSet })
			if e := c.History()[i]; e.Old != "Inès Dupont · supervisor · lines L1" ||
				e.New != "Inès Dupont-Roy · manager" {
				t.Errorf("of %q to %q", e.Old, e.New)
			}
		})
	}
}

func TestTheProviderLeadsBackBelowThePathOfAProxy(t *testing.T) {
	t.Parallel()
	const prefix = "/lineboard"
	for name, proxy := range map[string]func(http.Handler) http.Handler{
		"that passes the path":     func(h http.Handler) http.Handler { return h },
		"that takes the path away": func(h http.Handler) http.Handler { return http.StripPrefix(prefix, h) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handlerstest.NewCompanyBelow(t, prefix, proxy)
			b := c.Browser()
			page := b.Get(prefix + "/login?next=/orders")
			href := page.Attr(".sign-ons a", "href")
			if href != prefix+"/sso/ghent?next=%2Forders" {
				t.Fatalf("the button leads to %q", href)
			}
			asked := b.Get(href).Header.Get("Location")
			to, err := url.Parse(asked)
			if err != nil {
				t.Fatal(err)
			}
			callback := c.Web.URL + prefix + "/sso/ghent/callback"
			if got := to.Query().Get("redirect_uri"); got != callback {
				t.Errorf("the provider is to lead back to %q, want %q", got, callback)
			}
			back := c.Provider.Through(t, b.Client, asked, "ines")
			if !strings.HasPrefix(back, callback+"?") {
				t.Fatalf("it leads back to %q", back)
			}
			a := b.Get(c.PathOf(back))
			if to := a.Header.Get("Location"); a.Status != http.StatusSeeOther || to != prefix+"/orders" {
				t.Fatalf("back: %d %q %s", a.Status, to, a.Text("[role=alert]"))
			}
			if who := b.Get(prefix + "/orders").Text(".who"); !strings.Contains(who, "Inès Dupont") {
				t.Errorf("then %q is signed in", who)
			}
		})
	}
}

func TestWhoIsNotMappedOrNotActiveIsRefusedAndToldWhy(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(
		t,
		provider.Person{
			Subject: "sub-otto", Username: "otto", FirstName: "Otto", Email: "otto@plant.example",
			Groups: []string{"Packers"},
		},
	)
	b := c.Browser()
	c.Refused(c.Come(b, "ghent", "otto"), http.StatusForbidden, packaging.SignOnNoRole, "gives you a role at this site")
	if e := c.History()[0]; e.By.Username != "otto" || e.By.ID != 0 || e.By.FullName != "Otto" {
		t.Errorf("history %+v", e)
	}
	if people, err := c.Store.People(t.Context(), c.Tenant("ghent").ID); err != nil ||
		slices.ContainsFunc(people, func(p packaging.Person) bool { return p.Username == "otto" }) {
		t.Errorf("somebody was made, %v", err)
	}
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("ines: %d", a.Status)
	}
	if err := c.Store.SetPersonActive(t.Context(), c.Person("administrator1"), c.Person("ines").ID, false); err != nil {
		t.Fatal(err)
	}
	c.Refused(c.Come(b, "ghent", "ines"), http.StatusForbidden, packaging.SignOnInactive, "You are deactivated")
	if a := b.Get("/"); !handlerstest.SentToSignIn(a) {
		t.Errorf("signed in all the same: %d", a.Status)
	}
}

func TestWhatComesBackMustBeTheAnswerToWhatThisBrowserAsked(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	stale := "took too long, was begun in another browser, or was used already"
	b := c.Browser()
	back := c.PathOf(c.Provider.Through(t, b.Client, c.Begin(b, "ghent", "/"), "ines"))

	c.Refused(c.Browser().Get(back), http.StatusBadRequest, packaging.SignOnStale, stale) // another browser
	other := c.Browser()
	c.Begin(other, "ghent", "/")
	c.Refused(other.Get(back), http.StatusBadRequest, packaging.SignOnStale, stale) // that was at the provider too

	kept := jar(c, b)
	if a := b.Get(back); a.Status != http.StatusSeeOther || handlerstest.SentToSignIn(a) {
		t.Fatalf("the browser itself: %d %s", a.Status, a.Text("[role=alert]"))
	}
	replay := c.Browser()
	replay.Header.Set("Cookie", kept)
	c.Refused(replay.Get(back), http.StatusBadRequest, packaging.SignOnStale, stale) // with the cookie, a second time

	late := c.Browser()
	back = c.PathOf(c.Provider.Through(t, late.Client, c.Begin(late, "ghent", "/"), "ines"))
	c.Clock.Move(11 * time.Minute)
	c.Refused(late.Get(back), http.StatusBadRequest, packaging.SignOnStale, stale)

	cancelled := c.Browser()
	to, err := url.Parse(c.Begin(cancelled, "ghent", "/"))
	if err != nil {
		t.Fatal(err)
	}
	c.Refused(
		cancelled.Get("/sso/ghent/callback?error=access_denied&state="+to.Query().Get("state")), http.StatusForbidden,
		packaging.SignOnCancelled, "was cancelled",
	)
	wrong := c.Browser()
	c.Begin(wrong, "ghent", "/")
	a := wrong.Get("/sso/ghent/callback?code=x&state=%3Cscript%3E&error=%3Cscript%3E")
	c.Refused(a, http.StatusBadRequest, packaging.SignOnStale, stale)
	if strings.Contains(a.Body, "script>x") || strings.Contains(a.Body, "%3Cscript") {
		t.Error("the page repeats what it was asked with")
	}
}

// jar are the cookies of a browser for Lineboard.
func jar(c handlerstest.Company, b *site.Browser) string {
	u, err := url.Parse(c.Web.URL)
	if err != nil {
		c.T.Fatal(err)
	}
	var all []string
	for _, one := range b.Client.Jar.Cookies(u) {
		all = append(all, one.Name+"="+one.Value)
	}
	return strings.Join(all, "; ")
}

func TestATokenThatIsNotProvenOpensNothing(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	for name, spoil := range map[string]func(handlerstest.Company){
		"another nonce": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) {
				claims["nonce"] = "another"
			})
		},
		"no nonce": func(c handlerstest.Company) { c.Alter(func(claims map[string]any) { delete(claims, "nonce") }) },
		"another audience": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) { claims["aud"] = []string{"another"} })
		},
		"for several, given to another": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) {
				claims["aud"], claims["azp"] = []string{"another", provider.ClientID}, "another"
			})
		},
		"given to another": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) { claims["azp"] = "another" })
		},
		"for several, given to nobody": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) {
				claims["aud"] = []string{"another", provider.ClientID}
				delete(claims, "azp")
			})
		},
		"with another access token": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) { claims["at_hash"] = "c29tZXRoaW5nIGVsc2U" })
		},
		"not yet valid": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) { claims["nbf"] = time.Now().Add(time.Hour).Unix() })
		},
		"unsigned": func(c handlerstest.Company) {
			c.Replace(func(token string) string { return under(token, `{"alg":"none"}`, nil) })
		},
		"unsigned in other letters": func(c handlerstest.Company) {
			c.Replace(func(token string) string { return under(token, `{"alg":"None","typ":"JWT"}`, nil) })
		},
		"signed with the client's secret": func(c handlerstest.Company) {
			c.Replace(func(token string) string { return under(token, `{"alg":"HS256"}`, []byte(provider.Secret)) })
		},
		"its signature gone": func(c handlerstest.Company) {
			c.Replace(func(token string) string { return token[:strings.LastIndexByte(token, '.')+1] })
		},
		"no token": func(c handlerstest.Company) {
			c.Replace(func(string) string {
				return ""
			})
		},
		"words": func(c handlerstest.Company) {
			c.Replace(func(string) string {
				return "a.b.c"
			})
		},
		"without its issuer, which it promised": func(c handlerstest.Company) { c.PromiseIssuer() },
		"expired": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) { claims["exp"] = time.Now().Add(-time.Minute).Unix() })
		},
		"another issuer": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) { claims["iss"] = "https://evil.example" })
		},
		"another provider's key": func(c handlerstest.Company) { c.Forge() },
		"no subject": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) {
				claims["sub"] = ""
			})
		},
		"userinfo is of another person": func(c handlerstest.Company) {
			c.Alter(func(claims map[string]any) { claims["sub"] = "sub-of-somebody-else" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handlerstest.NewCompany(t)
			spoil(c)
			b := c.Browser()
			a := c.Come(b, "ghent", "ines")
			c.Refused(a, http.StatusBadRequest, packaging.SignOnBadToken, "could not be verified")
			if a := b.Get("/"); !handlerstest.SentToSignIn(a) {
				t.Errorf("signed in all the same: %d", a.Status)
			}
		})
	}
}

// under is a token with other headers, signed with a key of both sides, or not at all.
func under(token, header string, key []byte) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(token, ".")[1]
	if key == nil {
		return signed + "."
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Somebody keeps the ID token of one login and gives it as the answer to another.
func TestATokenOfAnotherLoginOpensNothing(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	var first string
	c.Replace(func(token string) string {
		if first == "" {
			first = token
		}
		return first
	})
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	c.Refused(
		c.Come(c.Browser(), "ghent", "ines"), http.StatusBadRequest, packaging.SignOnBadToken, "could not be verified",
	)
}

// A subject is compared letter by letter: one in other letters is somebody else, who has a name that is there already.
// RFC 9207: an answer that names another issuer is one of another provider.
func TestAnAnswerOfAnotherProviderOpensNothing(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	b := c.Browser()
	back := c.PathOf(c.Provider.Through(t, b.Client, c.Begin(b, "ghent", "/"), "ines"))
	c.Refused(
		b.Get(back+"&iss=https%3A%2F%2Fevil.example"), http.StatusBadRequest, packaging.SignOnBadToken,
		"could not be verified",
	)
}

func TestASubjectInOtherLettersIsSomebodyElse(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	c.Alter(func(claims map[string]any) { claims["sub"] = strings.ToUpper(claims["sub"].(string)) })
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusBadRequest { // userinfo has it in small letters
		t.Errorf("userinfo of a subject in other letters: %d %s", a.Status, a.Text("[role=alert]"))
	}
	c.InToken() // else the provider's userinfo would be of another person
	for _, change := range []func(string) string{
		strings.ToUpper, func(sub string) string { return sub + " " }, func(sub string) string { return sub + "\x00" },
	} {
		c.Alter(func(claims map[string]any) { claims["sub"] = change(claims["sub"].(string)) })
		b := c.Browser()
		if a := c.Come(b, "ghent", "ines"); a.Status < http.StatusBadRequest || !handlerstest.SentToSignIn(b.Get("/")) {
			t.Errorf("%d %s", a.Status, a.Text("[role=alert]"))
		}
	}
}

func TestATokenThatIsTooOldByTheServersClockOpensNothing(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	b := c.Browser()
	c.Clock.Move(48 * time.Hour)
	c.Refused(c.Come(b, "ghent", "ines"), http.StatusBadRequest, packaging.SignOnBadToken, "clock")
}

func TestSomebodyOfTheSameNameIsNeverTakenOver(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t,
		provider.Person{
			Subject: "sub-evil", Username: "Administrator1", Email: "administrator1@plant.example", FirstName: "Not",
			LastName: "Them", Groups: []string{"packers"},
		},
		provider.Person{Subject: "sub-odd", Username: "<odd> name/..\x00", FirstName: "Odd", Groups: []string{"leads"}},
	)
	before := c.Person("administrator1")
	b := c.Browser()
	c.Refused(
		c.Come(b, "ghent", "Administrator1"), http.StatusForbidden, packaging.SignOnSameName,
		"link your company account at Your account",
	)
	c.AddPerson("administrator2")
	decide := func(by, same string) site.Answer {
		return c.SignIn(by).Post("/admin/people/came", "issuer", c.Provider.URL, "subject", "sub-evil",
			"person", fmt.Sprint(before.ID), "same", same)
	}
	if page := c.SignIn("administrator2").Get("/admin/people").Text("#waits"); !strings.Contains(page, "Not Them") ||
		!strings.Contains(page, "Person administrator1") {
		t.Errorf("who waits: %q", page)
	}
	if a := decide("administrator1", "no"); a.Status != http.StatusForbidden {
		t.Errorf("the person whom it is about decides: %d", a.Status)
	}
	if a := decide("administrator2", "no"); a.Status != http.StatusSeeOther ||
		c.History()[0].Deed != packaging.HumanSet {
		t.Fatalf("decided: %d %s", a.Status, a.Text("[role=alert]"))
	}
	if decide("administrator2", "yes"); c.History()[0].Deed == packaging.HumanSet {
		t.Errorf("decided again: %+v", c.History()[0])
	}
	if a := c.Come(b, "ghent", "Administrator1"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if a := b.Get("/account"); !strings.Contains(a.Text("main"), "Administrator1.ghent") {
		t.Errorf("account %q", a.Text("main dl"))
	}
	if p := c.Person("administrator1"); p.FullName != before.FullName || p.Role != before.Role {
		t.Errorf("it was taken over: %+v", p)
	}
	if a := b.Get("/admin"); a.Status != http.StatusForbidden {
		t.Errorf("the setup: %d", a.Status)
	}
	c.SignIn("administrator1") // with their password, as before
	odd := c.Browser()
	if a := c.Come(odd, "ghent", "<odd> name/..\x00"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if p := c.Person("oddname.."); p.Role != packaging.Manager {
		t.Errorf("person %+v", p)
	}
}

// Somebody with a password comes by the provider as well, under whatever form of their name.
func TestOneHumanIsOneSignerHoweverTheyComeIn(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t,
		provider.Person{
			Subject: "sub-1", Username: "Supervisor1@plant.example", FirstName: "Person", LastName: "supervisor1",
			Groups: []string{"packers"},
		},
		provider.Person{
			Subject: "sub-2", Username: "s.one", Email: "SUPERVISOR1@plant.example", FirstName: "Person",
			Groups: []string{"packers"},
		},
		provider.Person{
			Subject: "sub-3", Username: "superv\u0456sor1", FirstName: "Person", Groups: []string{"packers"},
		},
	)
	for _, username := range []string{"Supervisor1@plant.example", "s.one", "superv\u0456sor1"} {
		c.Refused(
			c.Come(c.Browser(), "ghent", username), http.StatusForbidden, packaging.SignOnSameName,
			"A person of this site has your name",
		)
	}
	if people, err := c.Store.People(t.Context(), c.Tenant("ghent").ID); err != nil || len(people) != 5 {
		t.Errorf("%d people, %v", len(people), err)
	}
	if a := c.SignIn("administrator1").Post(
		"/admin/people/came", "issuer", c.Provider.URL, "subject", "sub-1", "person", fmt.Sprint(c.Person("supervisor1").ID), "same", "yes",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if a := c.Come(c.Browser(), "ghent", "Supervisor1@plant.example"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	one, other := c.Person("supervisor1"), c.Person("Supervisor1@plant.example")
	if !one.SameHuman(other) || one.ID == other.ID {
		t.Errorf("%+v and %+v", one, other)
	}
	if row := c.SignIn("manager1").Get("/admin/people"); row.Status == http.StatusOK &&
		!strings.Contains(row.Text(".rows"), "same human as supervisor1") {
		t.Errorf("the people are %s", row.Text(".rows"))
	}
}

// Who was deactivated does not come back as somebody else by the provider, and has no second account once they are taken
// back.
func TestWhoWasDeactivatedDoesNotComeByTheProviderUnderTheSameName(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t, provider.Person{
		Subject: "sub-1", Username: "supervisor1", FirstName: "Person", LastName: "supervisor1", Groups: []string{"packers"},
	})
	administrator, gone := c.SignIn("administrator1"), fmt.Sprint("/admin/people/", c.Person("supervisor1").ID, "/active")
	setActive := func(active string) {
		t.Helper()
		if a := administrator.Post(gone, "active", active); a.Status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
		}
	}
	setActive("no")
	refused := func() {
		t.Helper()
		c.Refused(
			c.Come(c.Browser(), "ghent", "supervisor1"), http.StatusForbidden, packaging.SignOnSameName,
			"A person of this site has your name",
		)
	}
	refused()
	setActive("yes")
	refused()
	if a := administrator.Post(
		"/admin/people/came", "issuer", c.Provider.URL, "subject", "sub-1", "person", fmt.Sprint(c.Person("supervisor1").ID), "same", "yes",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if a := c.Come(c.Browser(), "ghent", "supervisor1"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if people, err := c.Store.People(t.Context(), c.Tenant("ghent").ID); err != nil || !slices.ContainsFunc(people,
		func(p packaging.Person) bool {
			return p.Username != "supervisor1" && p.SameHuman(c.Person("supervisor1"))
		}) {
		t.Errorf("the accounts are not of one human: %v", err)
	}
}

// An account that comes to a site later, under the name of somebody who comes by the provider, is of the same human,
// until an administrator says otherwise.
func TestAnAccountUnderTheNameOfSomebodyOfTheProviderIsOfTheSameHuman(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t,
		provider.Person{Subject: "sub-1", Username: "e4711", Email: "supervisor7@plant.example", Groups: []string{"packers"}},
		provider.Person{Subject: "sub-2", Username: "supervisor8", Groups: []string{"packers"}},
		provider.Person{Subject: "sub-3", Username: "supervisor9@plant.example", Groups: []string{"packers"}},
	)
	c.AddTenant("basel", "Plant Basel", "supervisor8")
	for _, username := range []string{"e4711", "supervisor8", "supervisor9@plant.example"} {
		if a := c.Come(c.Browser(), "ghent", username); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", username, a.Status, a.Text("[role=alert]"))
		}
	}
	if err := c.Store.Provision(t.Context(), db.Site{c.Setup("basel", db.PersonSetup{
		Username: "administrator1", FullName: "Person administrator1", Role: packaging.Administrator,
		Password: secret.New(site.Password),
	})}); err != nil {
		t.Fatal(err)
	}
	administrator := c.SignIn("administrator1")
	administrator.Post("/tenant", "tenant", "ghent")
	post := func(path string, form ...string) {
		t.Helper()
		if a := administrator.PostAll(path, form...); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", path, a.Status, a.Text("[role=alert]"))
		}
	}
	id, _, err := c.Store.Credential(t.Context(), "supervisor8")
	if err != nil {
		t.Fatal(err)
	}
	post("/admin/people", "username", "supervisor7", "full_name", "Seven", "role", "supervisor", "password", "wide river 7 boats")
	post("/admin/people/join", "person", fmt.Sprint(id), "role", "supervisor")
	c.AddPerson("supervisor9")
	for username, came := range map[string]string{
		"supervisor7": "e4711", "supervisor8": "supervisor8.ghent", "supervisor9": "supervisor9@plant.example",
	} {
		if one, other := c.Person(username), c.Person(came); !one.SameHuman(other) {
			t.Errorf("%s and %s are two humans", username, came)
		}
	}
	if e := handlerstest.LastEntry(c.Site, packaging.PersonSet); !strings.Contains(e.New, "same human as supervisor9@plant.example") {
		t.Errorf("history %+v", e)
	}
	post(fmt.Sprintf("/admin/people/%d/human", id), "as", "0")
	if a := c.Come(c.Browser(), "ghent", "supervisor8"); a.Status != http.StatusSeeOther ||
		c.Person("supervisor8").SameHuman(c.Person("supervisor8.ghent")) {
		t.Errorf("what an administrator said does not last: %d", a.Status)
	}
}

func TestTheProviderOfOneTenantOpensNoOther(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	c.AddTenant("basel", "Plant Basel", "supervisor-9")
	b := c.Browser()
	if a := b.Get("/sso/basel"); a.Status != http.StatusNotFound {
		t.Errorf("a tenant without it: %d", a.Status)
	}
	c.Offer("basel", c.Settings())
	if got := b.Get("/login").All(".sign-ons small"); !slices.Equal(got, []string{"Plant Basel", "Plant Ghent"}) {
		t.Errorf("buttons of %q", got)
	}
	// What ghent's provider said is no answer to basel, though it is the same provider and the same person.
	back := c.PathOf(c.Provider.Through(t, b.Client, c.Begin(b, "ghent", "/"), "ines"))
	if a := b.Get(strings.Replace(back, "/ghent/", "/basel/", 1)); a.Status != http.StatusBadRequest {
		t.Errorf("an answer for ghent at basel: %d", a.Status)
	}
	if a := c.Come(b, "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	if a := b.Post("/tenant", "tenant", "basel"); a.Status != http.StatusNotFound {
		t.Errorf("on to basel: %d", a.Status)
	}
	there := c.Browser()
	if a := c.Come(there, "basel", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	people, err := c.Store.People(t.Context(), c.Tenant("basel").ID)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(people, func(p packaging.Person) bool { return p.Username == "ines.basel" })
	if i < 0 || people[i].ID == c.Person("ines").ID {
		t.Errorf("people of basel: %+v", people)
	}
	// Nor by way of the setup: an administrator of both can't take her in at basel.
	by := c.Person("administrator1")
	if err := c.Store.Provision(t.Context(), db.Site{c.Setup("basel", db.PersonSetup{
		Username: "administrator1", FullName: "Person administrator1", Role: packaging.Administrator,
		Password: secret.New(site.Password),
	})}); err != nil {
		t.Fatal(err)
	}
	by.Tenant = c.Tenant("basel")
	candidates, err := c.Store.Candidates(t.Context(), by)
	if err != nil || len(candidates) == 0 ||
		slices.ContainsFunc(candidates, func(p packaging.Person) bool { return p.Username == "ines" }) {
		t.Errorf("candidates %+v, %v", candidates, err)
	}
	// And somebody of both can't be connected.
	admin := c.SignIn("administrator1")
	admin.Post("/tenant", "tenant", "ghent")
	if a := admin.Post("/account/sso", "password", site.Password); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("[role=alert]"), "several sites") {
		t.Errorf("connect: %d %s", a.Status, a.Text("[role=alert]"))
	}
}

func TestWithTheProviderDownPeopleSignInWithTheirPasswords(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	c.Provider.Server.Close()
	b := c.Browser()
	a := b.Get("/sso/ghent")
	c.Refused(
		a, http.StatusServiceUnavailable, packaging.SignOnDown, "gives no answer to Lineboard. Try again in a minute",
	)
	if a := b.Post("/login", "username", "supervisor1", "password", site.Password); a.Status != http.StatusSeeOther {
		t.Errorf("with a password: %d", a.Status)
	}
	for range 100 {
		b.Get("/sso/ghent")
	}
	n := 0
	for _, e := range c.History() {
		if e.Deed == packaging.SignOnDeclined {
			n++
		}
	}
	if n < 2 || n > 31 {
		t.Errorf("%d entries of the history, want some and not all", n)
	}
}

func TestSigningInByTheProviderLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	for _, next := range []string{
		"https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)",
		"/" + strings.Repeat("a", 4000),
	} {
		b := c.Browser()
		a := b.Get(c.PathOf(c.Provider.Through(t, b.Client, c.Begin(b, "ghent", next), "ines")))
		if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/" {
			t.Errorf("%.40q leads to %q (%d)", next, a.Header.Get("Location"), a.Status)
		}
	}
	// Under another host they are led to the one that is set, once, and never to what the request says.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Web.URL+"/sso/ghent?next=/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	a, err := c.Browser().Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	if to := a.Header.Get("Location"); to != c.Web.URL+"/sso/ghent?next=%2Forders&home=1" {
		t.Errorf("under another host: %q", to)
	}
}

func TestAPersonConnectsThemselvesAndTheSiteKeepsItsLastAdministrator(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	b := c.SignIn("administrator1")
	if a := b.Post("/account/sso", "password", "not the password"); a.Status != http.StatusUnauthorized {
		t.Errorf("without the password: %d", a.Status)
	}
	connect := func(username string) site.Answer {
		t.Helper()
		a := b.Post("/account/sso", "password", site.Password)
		to := a.Attr(".leave a", "href")
		if a.Status != http.StatusOK || !strings.HasPrefix(to, c.Provider.URL) {
			t.Fatalf("connect: %d %s", a.Status, a.Text("[role=alert]"))
		}
		return b.Get(c.PathOf(c.Provider.Through(t, b.Client, to, username)))
	}
	if a := connect("ines"); a.Status != http.StatusSeeOther ||
		a.Header.Get("Location") != "/account?changed=connected" {
		t.Fatalf("connected: %d %s", a.Status, a.Text("[role=alert]"))
	}
	if e := c.History()[0]; e.Deed != packaging.IdentityConnected || e.By.Username != "administrator1" ||
		!strings.Contains(e.New, "sub-ines at "+c.Provider.URL) {
		t.Errorf("history %+v", e)
	}
	// She is a supervisor by what her groups say, and stays administrator: the site has no other with a password.
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	if p := c.Person("administrator1"); p.Role != "administrator+supervisor" || p.FullName != "Person administrator1" {
		t.Errorf("person %+v", p)
	}
	// Nor does an administrator without a password let her go.
	c.Set(provider.Person{Subject: "sub-it", Username: "root", FirstName: "Root", Groups: []string{"it"}})
	root := c.Browser()
	if a := c.Come(root, "ghent", "root"); a.Status != http.StatusSeeOther ||
		root.Get("/admin").Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	id := c.Person("administrator1").ID
	if a := root.Post(fmt.Sprintf("/admin/people/%d/active", id), "active", "no"); a.Status != http.StatusConflict {
		t.Errorf("deactivating the last one with a password: %d", a.Status)
	}
	if a := root.Post("/admin/sites", "site", "Plant X", "zone", "Europe/Brussels"); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("[role=alert]"), "one site alone") {
		t.Errorf("another site by single sign-on: %d %s", a.Status, a.Text("[role=alert]"))
	}
	c.AddPerson("administrator2")
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	if p := c.Person("administrator1"); p.Role != packaging.Supervisor {
		t.Errorf("with another one: %s", p.Role)
	}
	if a := b.Post("/account/sso/disconnect"); a.Status != http.StatusSeeOther ||
		c.History()[0].Deed != packaging.IdentityDisconnected {
		t.Errorf("disconnect: %d", a.Status)
	}
	// She does not become a second human by that: an administrator says who she is.
	c.Refused(
		c.Come(c.Browser(), "ghent", "ines"), http.StatusForbidden, packaging.SignOnSameName,
		"A person of this site has your name",
	)
	if a := c.SignIn("administrator2").Post(
		"/admin/people/came", "issuer", c.Provider.URL, "subject", "sub-ines", "person", fmt.Sprint(id), "same", "yes",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	// What is somebody else's already is not taken from them.
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther ||
		!c.Person("ines").SameHuman(c.Person("administrator1")) {
		t.Fatalf("as herself: %d", a.Status)
	}
	if a := connect("ines"); a.Status != http.StatusForbidden || !c.Declined(packaging.SignOnTaken) {
		t.Errorf("connecting with whom somebody else is: %d", a.Status)
	}
}

func TestWrongPINsUnderASignatureCountForWhoHasNoPasswordToo(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	c.SetRules(packaging.Rules{LockAfter: packaging.DefaultRules.LockAfter, SignReleases: true})
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	c.SetPIN("ines", handlerstest.APIN)
	tablet, o := c.Tablet("Tablet 1", "L1"), c.Order("Order143")
	if a := handlerstest.SignInByPIN(c.Site, tablet, "ines", handlerstest.APIN); a.Status != http.StatusSeeOther {
		t.Fatalf("sign-in by PIN: %d", a.Status)
	}
	for range 5 {
		if a := handlerstest.Sign(tablet, o, "secret", "112358"); a.Status != http.StatusUnprocessableEntity ||
			!strings.Contains(a.Text("#order"), "The password or PIN is not right.") {
			t.Errorf("a wrong PIN: %d %s", a.Status, a.Text("#order .problem"))
		}
	}
	if a := handlerstest.Sign(tablet, o, "secret", handlerstest.APIN); a.Status != http.StatusTooManyRequests {
		t.Errorf("the right one after five wrong ones: %d", a.Status)
	}
}

func TestWhoHasNoPasswordSetsOneToSignWithByProvingAnewWhoTheyAre(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(
		t, provider.Person{Subject: "sub-max", Username: "max", FirstName: "Max", Groups: []string{"packers"}},
	)
	c.SetRules(packaging.Rules{LockAfter: packaging.DefaultRules.LockAfter, SignReleases: true})
	b := c.Browser()
	if a := c.Come(b, "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	o := c.Order("Order143")
	if a := b.Get(handlerstest.OrderPath(o, "?arm=1")); !strings.Contains(
		a.Text(".armed [role=alert]"), "has no password to sign with",
	) {
		t.Errorf("the form says nothing of it: %s", a.Text(".armed"))
	}
	a := handlerstest.Sign(b, o, "secret", "anything")
	if !strings.Contains(
		a.Text("main"), "has no password to sign with. Set a signing password under “Your account” first",
	) {
		t.Fatalf("signing without a password: %d %s", a.Status, a.Text("main"))
	}
	if a := b.Post("/account/sso/disconnect"); a.Status != http.StatusConflict {
		t.Errorf("disconnecting, without another way in: %d", a.Status)
	}

	const own = "my own words to sign with"
	set := func(as string) site.Answer {
		t.Helper()
		a := b.Post("/account/signing", "new", own, "again", own)
		to, err := url.Parse(a.Attr(".leave a", "href"))
		if err != nil || to.Query().Get("prompt") != "login" || to.Query().Get("max_age") != "0" {
			t.Fatalf("to prove it anew: %v (%d %s)", to, a.Status, a.Text("[role=alert]"))
		}
		return b.Get(c.PathOf(c.Provider.Through(t, b.Client, to.String(), as)))
	}
	if a := b.Post("/account/signing", "new", "short", "again", "short"); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a short one: %d", a.Status)
	}
	if a := set("max"); a.Status != http.StatusForbidden || !c.Declined(packaging.SignOnOther) {
		t.Errorf("proved by somebody else: %d", a.Status)
	}
	c.Alter(func(claims map[string]any) { claims["auth_time"] = time.Now().Add(-time.Hour).Unix() })
	if a := set("ines"); a.Status != http.StatusForbidden || !c.Declined(packaging.SignOnNotAnew) {
		t.Errorf("proved an hour ago: %d", a.Status)
	}
	c.Alter(func(claims map[string]any) { delete(claims, "auth_time") })
	if a := set("ines"); a.Status != http.StatusForbidden {
		t.Errorf("without saying when: %d", a.Status)
	}
	c.Alter(nil)
	if a := set("ines"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/account?changed=signing" {
		t.Fatalf("set: %d %s", a.Status, a.Text("[role=alert]"))
	}
	if e := c.History()[0]; e.Deed != packaging.PasswordSet || e.Object != "signing password of user ines" {
		t.Errorf("history %+v", e)
	}
	if a := c.Browser().Post("/login", "username", "ines", "password", own); a.Status != http.StatusUnauthorized {
		t.Errorf("it signs in: %d", a.Status)
	}
	if a := handlerstest.Sign(b, o, "secret", own); a.Status != http.StatusSeeOther || len(c.Box.Released()) != 1 {
		t.Errorf("signing: %d %s", a.Status, a.Text("main"))
	}
}

func TestSigningOutLeadsToTheProviderToo(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	b := c.Browser()
	if a := c.Come(b, "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	a := b.Post("/logout")
	if a.Header.Get("Location") != "/login?out=ghent" || !handlerstest.SentToSignIn(b.Get("/")) {
		t.Fatalf("signed out to %q", a.Header.Get("Location"))
	}
	page := b.Get("/login?out=ghent")
	to, err := url.Parse(page.Attr(".parted a", "href"))
	if err != nil || !strings.HasPrefix(to.String(), c.Provider.URL+"/end_session?") ||
		to.Query().Get("post_logout_redirect_uri") != c.Web.URL+"/login" {
		t.Errorf("to the provider: %v (%s)", to, page.Text(".parted"))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if back := answer.Header.Get("Location"); back != c.Web.URL+"/login" {
		t.Errorf("the provider leads back to %q (%d)", back, answer.StatusCode)
	}
	if a := c.SignIn("supervisor1").Post("/logout"); a.Header.Get("Location") != "/login" {
		t.Errorf("who has a password is led to %q", a.Header.Get("Location"))
	}
}

func TestAStationOffersNoSingleSignOn(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	tablet := c.Tablet("Tablet 1", "L1")
	for _, where := range []string{"/login", "/login?way=password", "/login?way=username"} {
		if a := tablet.Get(where); a.Status != http.StatusOK || strings.Contains(a.Body, "/sso/") {
			t.Errorf("%s: %d, or it offers it", where, a.Status)
		}
	}
	if a := tablet.Get("/sso/ghent"); a.Status != http.StatusForbidden {
		t.Errorf("asked for all the same: %d", a.Status)
	}
}

func TestCallsGoToTheProvidersHostsAlone(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	to := c.Settings()
	to.Issuer = c.Provider.Server.URL // 127.0.0.1, which describes itself as localhost
	b := c.SignIn("administrator1")
	if a := handlerstest.PostSeveral(
		b, "/admin/sso/test", handlerstest.SignOnForm(c, "issuer", to.Issuer, "client_secret", "x")...,
	); !strings.Contains(a.Text("[role=alert]"), "is not what is set up here") {
		t.Errorf("it names itself otherwise: %s", a.Text("#report"))
	}
	spy := 0
	elsewhere := provider.Elsewhere(t, "127.0.0.1", func() { spy++ })
	if a := handlerstest.PostSeveral(
		b, "/admin/sso/test", handlerstest.SignOnForm(c, "issuer", elsewhere, "client_secret", "x")...,
	); !strings.Contains(a.Text("[role=alert]"), "127.0.0.1") ||
		!strings.Contains(a.Text("[role=alert]"), "a host that is not set up here") {
		t.Errorf("endpoints elsewhere: %s", a.Text("#report"))
	}
	if spy != 0 {
		t.Errorf("%d calls went there", spy)
	}
	if a := handlerstest.PostSeveral(
		b, "/admin/sso/test",
		handlerstest.SignOnForm(c, "issuer", elsewhere, "client_secret", "x", "hosts", "127.0.0.1")...,
	); !strings.Contains(a.Text("#report"), "The provider answers") || spy == 0 {
		t.Errorf("once the host is listed: %s", a.Text("#report"))
	}
}

func TestNoSecretOfSingleSignOnComesBackOrIsLogged(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	b := c.Browser()
	back := c.Provider.Through(t, b.Client, c.Begin(b, "ghent", "/"), "ines")
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{provider.Secret, u.Query().Get("code"), u.Query().Get("state"), provider.Password}
	if a := b.Get(c.PathOf(back)); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	c.Browser().Get(c.PathOf(back))
	c.Alter(func(claims map[string]any) { claims["nonce"] = "another" })
	c.Come(c.Browser(), "ghent", "ines")
	admin := c.SignIn("administrator1")
	said := map[string]string{"the log": c.Log.String()}
	for _, where := range []string{
		"/admin/sso", "/admin", "/account", "/history", "/history.csv", "/login", "/admin/sessions", "/admin/people",
	} {
		said[where] = admin.Get(where).Body
	}
	test := handlerstest.PostSeveral(
		admin, "/admin/sso/test", handlerstest.SignOnForm(c, "client_secret", provider.Secret, "label", "")...,
	)
	said["a test"] = test.Body
	said["a refusal"] = handlerstest.PostSeveral(
		admin, "/admin/sso", handlerstest.SignOnForm(c, "client_secret", provider.Secret, "label", "")...,
	).Body
	files, err := filepath.Glob(filepath.Dir(c.Path) + "/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		said[filepath.Base(file)] = string(content)
	}
	for where, text := range said {
		for i, s := range secrets {
			if s == "" || strings.Contains(text, s) {
				t.Errorf("%s tells secret %d", where, i)
			}
		}
	}
}

func TestARotatedKeyOpensTheClientSecret(t *testing.T) {
	t.Parallel()
	c := handlerstest.NewCompany(t)
	next, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Store.Rotate(context.Background(), next); err != nil {
		t.Fatal(err)
	}
	if _, opened, _, err := c.Store.SingleSignOn(t.Context(), c.Tenant("ghent").ID); err != nil ||
		opened.Reveal() != provider.Secret {
		t.Errorf("the secret after a rotation: %v", err)
	}
	if a := c.Come(c.Browser(), "ghent", "ines"); a.Status != http.StatusSeeOther {
		t.Errorf("sign-in after a rotation: %d", a.Status)
	}
}

func TestTheCookieOfASignInIsForThisServerAloneAndForAWhile(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		s := site.New(t, site.Options{Secure: secure})
		p := provider.Start(t, nil, nil)
		c := handlerstest.Company{Site: s, Provider: p, T: t}
		to := c.Settings()
		to.Home = "https://lineboard.example"
		c.Offer("ghent", to)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Web.URL+"/sso/ghent", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "lineboard.example"
		a, err := c.Browser().Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		name := map[bool]string{true: "__Host-"}[secure] + s.CookieName("sso")
		if len(a.Cookies()) != 1 {
			t.Fatalf("%d cookies with %d", len(a.Cookies()), a.StatusCode)
		}
		if k := a.Cookies()[0]; k.Name != name || k.Secure != secure || !k.HttpOnly ||
			k.SameSite != http.SameSiteLaxMode || k.MaxAge != 600 || k.Path != "/" || k.Domain != "" {
			t.Errorf("cookie %+v", k)
		}
		if to := a.Header.Get("Location"); !strings.Contains(
			to, url.QueryEscape("https://lineboard.example/sso/ghent/callback"),
		) {
			t.Errorf("to %s", to)
		}
	}
}
