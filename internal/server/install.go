package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// install has a database server's own tool make the server's data folder, dir/data.
// That takes seconds, so what it makes stays for all tests to copy, until the tool
// or its arguments are others.
func (s *Server) install(tool string, args func(dir string) []string) {
	s.t.Helper()
	info, err := os.Stat(tool)
	s.must(err)
	parent := filepath.Join(os.TempDir(), fmt.Sprintf("cloakroom-test-data-%d", os.Getuid()))
	s.must(os.MkdirAll(parent, 0o755))
	of := strings.Join(append(args(""), tool, info.ModTime().String()), "\x00")
	made := filepath.Join(parent, fmt.Sprintf("%x", sha256.Sum256([]byte(of))))
	if _, err := os.Stat(made); err != nil {
		dir := newDir(s.t)
		defer os.RemoveAll(dir)
		s.must(s.complete(tool, args(dir)...))
		// Whoever comes second has made the same.
		if err := os.Rename(filepath.Join(dir, "data"), made); !errors.Is(err, fs.ErrExist) {
			s.must(err)
		}
	}
	s.must(s.complete("cp", "-a", made, s.path("data")))
}

// complete runs a program to its end.
func (s *Server) complete(program string, args ...string) error {
	if out, err := s.command(program, args).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}
