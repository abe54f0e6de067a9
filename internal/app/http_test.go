package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func certify(t *testing.T) (cert, key string, client *http.Client) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for file, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der},
		key:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(content(t, cert)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(transport.CloseIdleConnections)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return cert, key, &http.Client{Transport: transport, CheckRedirect: stay}
}

func TestWithACertificateItServesHTTPSAndCookiesForNothingElse(t *testing.T) {
	cert, key, client := certify(t)
	data := t.TempDir()
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data,
		"--provision", site(t, "http://127.0.0.1:1"), "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(s.address, "https://") {
		t.Fatalf("is at %s", s.address)
	}
	form := url.Values{"username": {"supervisor1"}, "password": {credentials["PASSWORD"]}}
	response, err := client.PostForm(s.address+"/login", form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cookie := response.Header.Get("Set-Cookie")
	if response.StatusCode != http.StatusSeeOther || !strings.HasPrefix(cookie, "__Host-lineboard-") ||
		!strings.Contains(cookie, "; Secure") || response.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("sign-in: %d, cookie %q", response.StatusCode, cookie)
	}
	if strings.Contains(s.log.String(), "plain HTTP") {
		t.Error("it warns of plain HTTP")
	}
	large, err := http.NewRequestWithContext(t.Context(), "GET", s.address+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	large.Header.Set("X-Large", strings.Repeat("x", 48<<10)) // HTTP allows a little more than was set
	response, err = client.Do(large)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a head of 48 KiB: %d", response.StatusCode)
	}
	s.end(t)

	plain := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data)
	plain.end(t)
	if !strings.Contains(plain.log.String(), "plain HTTP") {
		t.Error("it does not warn of plain HTTP")
	}
}
