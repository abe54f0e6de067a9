package e2e

import (
	"testing"

	"lineboard/internal/testkit/provider"
	"lineboard/internal/testkit/thorough"
)

func TestSomebodySignsInOnTheProvidersOwnPage(t *testing.T) {
	thorough.Rest(t)
	t.Parallel()
	s := newSite(t, nil)
	company := provider.Start(t, []string{s.address + "/sso/plant-test/callback"}, []string{s.address + "/login"},
		provider.Person{
			Subject: "sub-ines", Username: "ines", FirstName: "Inès", LastName: "Dupont", Groups: []string{"packers"},
		})

	admin := signedIn(t, s, "administrator1")
	admin.visit("/admin/sso")
	admin.Click("Offer it on the sign-in page")
	admin.Fill("Name on the button", "Plant account")
	admin.Fill("Address of Lineboard", s.address)
	admin.Fill("Issuer", company.URL)
	admin.Fill("Client ID", provider.ClientID)
	admin.Fill("Client secret", provider.Secret)
	admin.Fill("Value of the claim", "packers")
	admin.Click("Supervisor")
	admin.Click("Test the issuer")
	admin.See("The provider answers")
	admin.Click("Save")
	admin.See("Saved.")
	admin.See(s.address + "/sso/plant-test/callback")
	admin.inEverySizeAndLight()

	for _, on := range []bool{true, false} {
		p := visitor(t, s)
		scripts(on)(p)
		p.visit("/orders?q=Order143")
		p.At("/login?next=%2Forders%3Fq%3DOrder143")
		if on {
			p.inEverySizeAndLight()
		}
		p.Click("Sign in with Plant account")
		p.Fill("Username:", "ines")
		p.Fill("Password:", provider.Password)
		p.Click("Login")
		p.At("/orders?q=Order143")
		p.See("Inès Dupont")

		p.visit("/account")
		if on {
			p.inEverySizeAndLight()
		}
		const words = "my own words to sign with"
		p.Fill("New password", words)
		p.Fill("New password again", words)
		p.Click("Set it, and prove who you are with Plant account")
		p.Click("Go on to Plant account")
		p.Fill("Username:", "ines")
		p.Fill("Password:", provider.Password)
		p.Click("Login")
		p.At("/account?changed=signing")
		p.See("Your signing password is set.")

		p.signOut()
		p.At("/login?out=plant-test")
		p.Click("Sign out of Plant account too")
		p.At("/login")
	}

	for _, l := range languages() {
		admin.visit("/")
		admin.openOwnMenu()
		admin.Click(l.Name())
		admin.Holds(`document.documentElement.lang === "` + string(l) + `"`)
		for _, page := range []string{"/admin/sso", "/account"} {
			admin.visit(page)
			for _, size := range inHand {
				admin.Viewport(size.width, size.height)
				admin.settle()
				if admin.Overflow() {
					t.Errorf(
						"%s in %s at %d×%d is wider than the window: %v", page, l, size.width, size.height,
						admin.tooWide(),
					)
				}
			}
		}
	}
}
