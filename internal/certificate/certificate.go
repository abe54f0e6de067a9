// Package certificate serves a TLS certificate from files, and takes it anew when they change: whoever renews it need not
// restart anything.
package certificate

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookGap is the least time between two looks at the files.
const lookGap = time.Second

// Keeper keeps the certificate of two files.
type Keeper struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	kept   *tls.Certificate
	as     [2]stamp // of the files when they were last read
	looked time.Time
}

// stamp tells whether a file has changed.
type stamp struct {
	at   time.Time
	size int64
	file fs.FileInfo
}

func (s stamp) same(other stamp) bool {
	return s.at.Equal(other.at) && s.size == other.size && os.SameFile(s.file, other.file)
}

// Open reads a certificate with its chain, and its key, both in PEM.
func Open(certFile, keyFile string, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{certFile: certFile, keyFile: keyFile, log: log}
	as, err := k.stamps()
	if err == nil {
		err = k.read(as)
	}
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate can't be used: %w", err)
	}
	return k, nil
}

func (k *Keeper) stamps() (as [2]stamp, err error) {
	for i, name := range []string{k.certFile, k.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return as, err
		}
		as[i] = stamp{info.ModTime(), info.Size(), info}
	}
	return as, nil
}

func (k *Keeper) read(as [2]stamp) error {
	fresh, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return err
	}
	k.kept, k.as = &fresh, as
	return nil
}

// Config serves the certificate, by TLS 1.2 or newer.
func (k *Keeper) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.certificate(time.Now()), nil },
	}
}

// certificate is the one to serve now. While the files hold none that can be used, as between the writing of the one and
// of the other, it is the one from before.
func (k *Keeper) certificate(now time.Time) *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.looked) < lookGap {
		return k.kept
	}
	k.looked = now
	as, err := k.stamps()
	if err == nil && as[0].same(k.as[0]) && as[1].same(k.as[1]) {
		return k.kept
	}
	if err == nil {
		err = k.read(as)
	}
	if err != nil {
		k.log.Error("changed TLS certificate can't be used, the one from before is served on", "err", err)
		return k.kept
	}
	k.log.Info("TLS certificate taken anew")
	return k.kept
}
