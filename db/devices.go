package db

import (
	"encoding/hex"

	"lineboard/internal/secret"
)

// DeviceMark returns what proves that a person has signed in on a device. It stays the same over restarts and changes
// of the key.
func (d *DB) DeviceMark(device []byte, username string) []byte {
	return d.box.Mark(secret.New(username), "device "+hex.EncodeToString(device))
}
