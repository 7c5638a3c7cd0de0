package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// secretsFolder is where the files of secrets are, beside trueup.yaml.
const secretsFolder = "secrets"

// longestSecret is more than any tool's.
const longestSecret = 8 << 10

// secretFile is the file of a secret as trueup.yaml names it.
func secretFile(connection, field string) string {
	return secretsFolder + "/" + connection + "." + field
}

// has reports whether the secret of a field has a file.
func (t Tool) has(field string) bool { return slices.Contains(t.Secrets, field) }

// later reports whether a field is filled in by hand.
func (t Tool) later(field string) bool { return slices.Contains(t.Later, field) }

// keepable reports why a secret cannot be kept in its file: one that this set-up did
// not make is not written over.
func keepable(dir, file, secret string, ours bool) error {
	path := filepath.Join(dir, filepath.FromSlash(file))
	_, err := os.Lstat(path)
	if held, read := os.ReadFile(path); read == nil && strings.TrimSpace(string(held)) == secret { // #nosec G304 -- in the folder of the secrets
		return nil // a set-up that is made once more
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && ours:
		return nil
	case err != nil:
		return fmt.Errorf("write a secret: %w", err)
	}
	return fmt.Errorf("the file %s is there already and was not made by this set-up; move it, or give the connection another name", file)
}

// keepSecret writes a secret into its file.
func (s *Setup) keepSecret(file, secret string) error {
	if err := os.MkdirAll(filepath.Join(s.dir, secretsFolder), 0o700); err != nil {
		return fmt.Errorf("make the folder of the secrets: %w", err)
	}
	path := filepath.Join(s.dir, filepath.FromSlash(file))
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		s.mu.Lock()
		s.made = append(s.made, path)
		s.mu.Unlock()
	}
	return replace(path, []byte(secret+"\n"))
}

// dropSecrets removes the files of a tool that is no longer part of the set-up.
func dropSecrets(dir string, t Tool) error {
	var all error
	for _, field := range t.Secrets {
		err := os.Remove(filepath.Join(dir, filepath.FromSlash(secretFile(t.Name, field))))
		if !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// usableSecret returns what is kept of a pasted secret, and what is wrong with it.
func usableSecret(pasted string) (secret, problem string) {
	secret = strings.TrimSpace(pasted)
	switch {
	case len(secret) > longestSecret:
		return "", "It is longer than any token. Copy it again."
	case strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", "It holds a line break. Copy it again, without surrounding text."
	case config.IsPlaceholder(secret):
		return "", "It is a placeholder, with … in it. Copy the one that the tool shows."
	}
	return secret, ""
}
