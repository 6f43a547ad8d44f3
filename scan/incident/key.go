package incident

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// A key file is one line of 64 hex digits. Raw bytes would be shorter, but a
// key must be copied into a password manager or an evidence log without loss,
// and editors and line-ending conversions damage raw bytes in silence.

// NewKey writes a new random key to path, readable by its owner alone. It
// overwrites nothing: with another key, no digest of an earlier case can be
// found again.
func NewKey(path string) error {
	secret := make([]byte, model.KeySize)
	rand.Read(secret)                                                     // never fails
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // never follows or truncates what is there
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("key file: %s is there already and is not overwritten: cases made with it could not be repeated; use it, or move it away", path)
	}
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	_, err = fmt.Fprintf(f, "%x\n", secret)
	err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	if err != nil {
		_ = os.Remove(path) // half a key must not pass for one
		return fmt.Errorf("key file: %w", err)
	}
	return nil
}

// unsafeMode are the permissions with which a key is refused: everybody may
// read it, or somebody else may replace it. It is an error and not a warning,
// as for ssh's private keys: a warning scrolls by, and `chmod` is one word.
// Reading by the group stays allowed, since a team may share an evidence host.
const unsafeMode = 0o026

// ReadKey reads a key that NewKey wrote.
func ReadKey(path string) (model.Key, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return model.Key{}, fmt.Errorf("key file: %w; `spillscope init` makes one (an earlier case needs its own key again)", err)
	}
	if err != nil {
		return model.Key{}, fmt.Errorf("key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return model.Key{}, fmt.Errorf("key file: %w", err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&unsafeMode != 0 && runtime.GOOS != "windows" {
		return model.Key{}, fmt.Errorf("key file: %s can be read or changed by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return model.Key{}, fmt.Errorf("key file: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != model.KeySize {
		// The hex error is left out: it quotes a byte of the key.
		return model.Key{}, fmt.Errorf("key file: %s is not a key: want one line of %d hex digits, as `spillscope init` writes it", path, 2*model.KeySize)
	}
	return model.NewKey(secret), nil
}
