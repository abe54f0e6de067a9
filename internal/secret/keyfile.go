package secret

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"lineboard/internal/durable"
)

// OpenKeyFile returns a Box with the key of a file: 64 hexadecimal digits. If there is no such file, it creates one
// with a new key if mayCreate is true. Otherwise it fails with [fs.ErrNotExist], since a new key opens no sealed
// credentials.
func OpenKeyFile(path string, mayCreate bool) (*Box, error) {
	text, err := ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && mayCreate {
		return CreateKeyFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s can't be read: %w", path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("key file %s must hold %d hexadecimal digits", path, 2*keySize)
	}
	return NewBox(key)
}

// maxSecretFile is how many bytes a file with a secret has at most.
const maxSecretFile = 64 << 10

// ReadFile returns the text of a file that holds a secret, as UTF-8. A byte order mark and line ends at the end are no
// part of it: editors and shells add them. It fails if the file is neither UTF-8 nor UTF-16 with a mark.
func ReadFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxSecretFile {
		return "", fmt.Errorf("%s is larger than 64 KiB, and no secret", path)
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(encoding.UTF8Validator), raw)
	if err != nil {
		return "", fmt.Errorf("%s is not UTF-8 text", path)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// CreateKeyFile writes a file with a new key, readable only by its owner, and returns a Box with the key. The file is
// on disk before anything can be sealed with the key. It fails if the file exists.
func CreateKeyFile(path string) (*Box, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails, by its documentation
	if err := writeKeyFile(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("key file %s can't be made: %w", path, err)
	}
	return NewBox(key)
}

func writeKeyFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename, it never replaces another key
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// ReplaceKeyFile replaces the key file at path. The old key is lost: nothing may be sealed with it any more.
func ReplaceKeyFile(path, with string) error {
	if err := os.Rename(with, path); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}
