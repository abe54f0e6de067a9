package secret

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// OpenKeyFile makes a Box of the key in the file: 64 hexadecimal digits, readable by its owner alone. Where there is no
// such file and mayCreate holds, it makes a new key; otherwise the error wraps [fs.ErrNotExist], because sealed
// credentials that exist can't be opened by a new key.
func OpenKeyFile(path string, mayCreate bool) (*Box, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && mayCreate {
		return CreateKeyFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s can't be read: %w", path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("key file %s must hold %d hexadecimal digits", path, 2*keySize)
	}
	return NewBox(key)
}

// CreateKeyFile makes a file with a new key, and a Box of it. The file is whole and on disk before anything is sealed with
// the key, and takes the place of no other.
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
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename, never replaces a key that came meanwhile
		return err
	}
	return syncFolder(path)
}

// ReplaceKeyFile puts a key file in the place of another, which is lost: nothing may be sealed with that key any more.
func ReplaceKeyFile(path, with string) error {
	if err := os.Rename(with, path); err != nil {
		return err
	}
	return syncFolder(path)
}

// syncFolder makes the names in a file's folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
