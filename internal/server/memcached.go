package server

import (
	"crypto/tls"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// Memcached starts a memcached with those arguments.
func Memcached(t testing.TB, args ...string) *Server {
	t.Helper()
	s := prepare(t)
	return s.memcached(nil, append([]string{"--listen=127.0.0.1", "--port=" + s.port()}, args...))
}

// MemcachedTLS starts a memcached that speaks TLS.
func MemcachedTLS(t testing.TB, args ...string) *Server {
	t.Helper()
	s := prepare(t)
	certificate, key := s.certify()
	return s.memcached(s.trust(), append([]string{
		"--listen=127.0.0.1", "--port=" + s.port(),
		"--enable-ssl", "-o", "ssl_chain_cert=" + certificate + ",ssl_key=" + key,
	}, args...))
}

// MemcachedSocket starts a memcached on a Unix socket alone.
func MemcachedSocket(t testing.TB, args ...string) *Server {
	t.Helper()
	s := prepare(t)
	s.Socket = s.path("memcached.sock")
	s.Addr = s.Socket
	return s.memcached(nil, append([]string{"--unix-socket=" + s.Socket}, args...))
}

func (s *Server) memcached(trust *tls.Config, args []string) *Server {
	s.t.Helper()
	return s.run(program{
		path: find(s.t, "memcached", "memcached"),
		args: args,
		stop: syscall.SIGTERM,
		ready: func() error {
			answer, err := s.ask(trust, "version\r\n")
			if err == nil && !strings.HasPrefix(answer, "VERSION") {
				err = fmt.Errorf("it answers %q", answer)
			}
			return err
		},
	})
}
