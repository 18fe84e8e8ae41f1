package server

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// unprivileged is whom a server runs as when the test is root's, which most
// servers refuse to be.
var unprivileged = func() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	c := &syscall.Credential{Uid: 65534, Gid: 65534}
	if nobody, err := user.Lookup("nobody"); err == nil {
		uid, _ := strconv.ParseUint(nobody.Uid, 10, 32)
		gid, _ := strconv.ParseUint(nobody.Gid, 10, 32)
		c.Uid, c.Gid = uint32(uid), uint32(gid)
	}
	return c
}()

// newDir makes a folder for a server. Its path is short: that of a Unix socket
// has some hundred bytes.
func newDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "server")
	if err != nil {
		t.Fatal(err)
	}
	give(t, dir)
	return dir
}

// give makes a file or folder the server's own.
func give(t testing.TB, path string) {
	t.Helper()
	if unprivileged == nil {
		return
	}
	if err := os.Chown(path, int(unprivileged.Uid), int(unprivileged.Gid)); err != nil {
		t.Fatal(err)
	}
}

// write puts a file of that name into the server's folder.
func (s *Server) write(name string, content []byte) (path string) {
	s.t.Helper()
	path = s.path(name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	give(s.t, path)
	return path
}

// freePort finds a port that nobody listens on, nor will while the server is down:
// it is below those that Linux gives to connections, and kept from all others that
// start servers here until this process ends.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		if !reserve(t, port) {
			continue
		}
		address := strconv.Itoa(port)
		listener, err := net.Listen("tcp", "127.0.0.1:"+address)
		if err == nil {
			listener.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// reserve locks the byte of a file that stands for the port, with a descriptor that
// is left to the end of the process.
func reserve(t testing.TB, port int) bool {
	t.Helper()
	path := filepath.Join(os.TempDir(), fmt.Sprintf("cloakroom-test-ports-%d", os.Getuid()))
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: int64(port), Len: 1}
	if unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock) != nil {
		_ = unix.Close(fd)
		return false
	}
	return true
}

// find returns the path of an executable. Debian keeps some out of PATH.
func find(t testing.TB, name, debianPackage string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	for _, path := range slices.Backward(append([]string{"/usr/sbin/" + name}, candidates...)) {
		if path, err := exec.LookPath(path); err == nil {
			return path
		}
	}
	t.Fatalf("this test needs %s; install it with `apt-get install %s`", name, debianPackage)
	return ""
}
