// Package certificate serves a TLS certificate from files. It reads them again when they change, so that a renewal
// needs no restart.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// checkInterval is the shortest time between two checks of the files.
const checkInterval = time.Second

// Reloader serves the certificate of two files.
type Reloader struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	read    [2]stamp // of the files when they were last read
	checked time.Time
}

// stamp identifies a state of a file.
type stamp struct {
	at   time.Time
	size int64
	file fs.FileInfo
}

func (s stamp) equal(other stamp) bool {
	return s.at.Equal(other.at) && s.size == other.size && os.SameFile(s.file, other.file)
}

// Open reads a certificate with its chain, and its key, both in PEM. It fails if they can't be used.
func Open(certFile, keyFile string, log *slog.Logger) (*Reloader, error) {
	r := &Reloader{certFile: certFile, keyFile: keyFile, log: log}
	now, err := r.stamps()
	if err == nil {
		err = r.load(now)
	}
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate can't be used: %w", err)
	}
	return r, nil
}

func (r *Reloader) stamps() (stamps [2]stamp, err error) {
	for i, name := range []string{r.certFile, r.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return stamps, err
		}
		stamps[i] = stamp{info.ModTime(), info.Size(), info}
	}
	return stamps, nil
}

// load reads the files, which have the stamps.
func (r *Reloader) load(stamps [2]stamp) error {
	fresh, err := tls.LoadX509KeyPair(r.certFile, r.keyFile)
	if err != nil {
		return err
	}
	r.current, r.read = &fresh, stamps
	return nil
}

// Config returns a configuration that serves the certificate, by TLS 1.2 or newer.
func (r *Reloader) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return r.certificate(time.Now()), nil
		},
	}
}

// certificate returns the certificate to serve now. It stays the old one while the new files can't be used, for example
// after one of them was written and before the other is.
func (r *Reloader) certificate(now time.Time) *tls.Certificate {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.checked) < checkInterval {
		return r.current
	}
	r.checked = now
	stamps, err := r.stamps()
	if err == nil && stamps[0].equal(r.read[0]) && stamps[1].equal(r.read[1]) {
		return r.current
	}
	if err == nil {
		err = r.load(stamps)
	}
	if err != nil {
		r.log.Error("changed TLS certificate can't be used, the one from before is served on", "err", err)
		return r.current
	}
	r.log.Info("TLS certificate read again")
	return r.current
}

// Ends returns when the certificate ends that is served now.
func (r *Reloader) Ends() time.Time {
	current := r.certificate(time.Now())
	leaf, err := x509.ParseCertificate(current.Certificate[0])
	if err != nil {
		return time.Time{} // it was read before it came here
	}
	return leaf.NotAfter
}
