// Package secretkey keeps Django's SECRET_KEY in a file, as Horizon's
// secret_key.generate_or_read_from_file does.
package secretkey

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FromFile returns the key that the file holds. A file that is not there is
// made, with a fresh key and readable by its owner only; of several processes
// that do so at once all get the same key. A file that others can read is an
// error: whoever has the key can forge sessions.
func FromFile(path string) (string, error) {
	key, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := generate(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a secret key: %w", err)
	}
	return read(path)
}

func read(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the secret key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("read the secret key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("the secret key in %s can be read by others (mode %#o): chmod 600 it, and change it if somebody may have seen it", path, mode)
	}
	var content bytes.Buffer
	if _, err := content.ReadFrom(file); err != nil {
		return "", fmt.Errorf("read the secret key: %w", err)
	}
	key := bytes.TrimSpace(content.Bytes())
	if len(key) == 0 {
		return "", fmt.Errorf("the secret key file %s is empty: remove it to have a new key made, which ends all sessions", path)
	}
	return string(key), nil
}

// generate writes a whole file, then gives it its name unless somebody else's
// has it already.
func generate(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".secret-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(rand.Text() + rand.Text())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}
