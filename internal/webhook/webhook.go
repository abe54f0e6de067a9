// Package webhook signs messages by the Standard Webhooks specification (standardwebhooks.com), so that a receiver can
// prove who sent them.
package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/secret"
)

const prefix = "whsec_"

// ErrSecret is the error of no secret, or of one that has not the form of the specification: whsec_ and 24 to 64 bytes in
// base64.
var ErrSecret = errors.New("not a secret of a webhook")

// NewSecret returns a new secret.
func NewSecret() secret.Text {
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // it never fails
	return secret.New(prefix + base64.StdEncoding.EncodeToString(key))
}

// Key returns the key that a secret writes, or ErrSecret.
func Key(text secret.Text) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text.Reveal(), prefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, ErrSecret
	}
	return key, nil
}

// Sign adds the id of a message, its time and a signature for each secret to a header. Empty secrets are left out;
// without any it fails with ErrSecret, since nothing goes out unsigned.
func Sign(header http.Header, id string, at time.Time, body []byte, secrets ...secret.Text) error {
	stamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, text := range secrets {
		if text.Empty() {
			continue
		}
		key, err := Key(text)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.", id, stamp)
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if len(signatures) == 0 {
		return ErrSecret
	}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", stamp)
	header.Set("webhook-signature", strings.Join(signatures, " "))
	return nil
}
