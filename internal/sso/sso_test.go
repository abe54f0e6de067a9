package sso_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sso"
)

func TestAClaimIsATextOrAListAndDotsLeadIntoObjects(t *testing.T) {
	claims := map[string]any{}
	if err := json.Unmarshal([]byte(`{
		"role": "packers", "groups": ["a", 7, "b", null], "realm_access": {"roles": ["lead"], "deep": {"er": "x"}},
		"https://plant.example/roles": ["whole name"], "a.b": {"c": "dots in a name"}, "number": 7
	}`), &claims); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"role": {"packers"}, "groups": {"a", "b"}, "realm_access.roles": {"lead"}, "realm_access.deep.er": {"x"},
		"https://plant.example/roles": {"whole name"}, "a.b.c": {"dots in a name"}, "number": nil, "realm_access": nil,
		"none.at.all": nil, "role.x": nil, "": nil,
	} {
		if got := sso.Values(claims, name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// reasonOf asks a provider to begin, and gives why that did not work.
func reasonOf(t *testing.T, c *sso.Client, issuer string) packaging.SignOnError {
	t.Helper()
	_, _, err := c.BeginLogin(
		t.Context(), sso.Settings{SingleSignOn: packaging.SingleSignOn{Issuer: issuer, ClientID: "lineboard"}},
		"http://localhost/back", false,
	)
	var why *packaging.SignOnError
	if !errors.As(err, &why) {
		t.Fatalf("error %v", err)
	}
	return *why
}

func TestAProviderThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hold) })
	c := sso.New(sso.Options{Now: time.Now, Limit: 50 * time.Millisecond})
	if why := reasonOf(t, c, server.URL); why.Reason != packaging.SignOnDown || why.Detail != "no answer in time" {
		t.Errorf("%+v", why)
	}
}

func TestNoCallToAProviderFollowsARedirect(t *testing.T) {
	t.Parallel()
	spied := make(chan struct{}, 10)
	spy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { spied <- struct{}{} }))
	t.Cleanup(spy.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, spy.URL, http.StatusFound)
	}))
	t.Cleanup(server.Close)
	c := sso.New(sso.Options{Now: time.Now, Limit: 5 * time.Second})
	if why := reasonOf(t, c, server.URL); why.Reason != packaging.SignOnNoOpenID {
		t.Errorf("%+v", why)
	}
	if len(spied) != 0 {
		t.Error("the redirect was followed")
	}
}

func TestADescriptionThatIsTooLongOrNoneIsNoProvider(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"without an end": func(w http.ResponseWriter) {
			_, _ = w.Write(
				append([]byte(`{"issuer":"`), make([]byte, 2<<20)...),
			)
		},
		"no JSON": func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
		"another issuer": func(w http.ResponseWriter) {
			_, _ = w.Write(
				[]byte(`{"issuer":"https://evil.example"}`),
			)
		},
		"an error":           func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"nothing whatsoever": func(http.ResponseWriter) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
			t.Cleanup(server.Close)
			c := sso.New(sso.Options{Now: time.Now, Limit: 5 * time.Second})
			if why := reasonOf(t, c, server.URL); why.Reason != packaging.SignOnNoOpenID {
				t.Errorf("%+v", why)
			}
		})
	}
}

func TestAPlainAddressOutsideIsAskedNothing(t *testing.T) {
	t.Parallel()
	c := sso.New(sso.Options{Now: time.Now, Limit: 5 * time.Second})
	if why := reasonOf(t, c, "http://login.example"); why.Reason != packaging.SignOnNoOpenID {
		t.Errorf("%+v", why)
	}
}
