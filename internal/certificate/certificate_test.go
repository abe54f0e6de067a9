package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// write makes a certificate of a name with a key, in the two files.
func write(t *testing.T, name, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAChangedCertificateIsServedWithoutARestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	write(t, "first", cert, key)
	reloader, err := Open(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	serves := func(want, when string) {
		t.Helper()
		now = now.Add(checkInterval)
		if got := reloader.certificate(now).Leaf.Subject.CommonName; got != want {
			t.Errorf("%s it serves %q, want %q", when, got, want)
		}
	}
	serves("first", "at first")
	write(t, "second", cert, key)
	serves("second", "after a change")
	write(t, "third", cert, filepath.Join(folder, "other.pem"))
	serves("second", "halfway through a renewal")
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	serves("second", "without a file")
	write(t, "fourth", cert, key)
	serves("fourth", "after all of it")
}

func TestOldTLSIsNotSpoken(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	write(t, "first", cert, key)
	reloader, err := Open(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	defer here.Close()
	go func() {
		defer there.Close()
		tls.Server(there, reloader.Config()).Handshake() //nolint:errcheck // it must fail
	}()
	if err := tls.Client(
		here, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
	).Handshake(); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestFilesThatAreNoCertificateAreTold(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	if _, err := Open(cert, key, nil); err == nil || !strings.Contains(err.Error(), "cert.pem") {
		t.Errorf("no files: %v", err)
	}
	write(t, "a", cert, filepath.Join(folder, "other.pem"))
	write(t, "b", filepath.Join(folder, "another.pem"), key)
	if _, err := Open(cert, key, nil); err == nil {
		t.Error("a key of another certificate is taken")
	}
}
