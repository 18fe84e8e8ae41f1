package server

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Redis starts a Redis with those lines in its redis.conf, such as
// "requirepass secret", "user ada on >secret ~* &* +@all" or "appendonly yes".
// Without a line that says otherwise it keeps nothing on disk. It listens on a
// Unix socket too.
func Redis(t testing.TB, config ...string) *Server {
	t.Helper()
	s := prepare(t)
	return s.redis(append([]string{"port " + s.port()}, config...))
}

// RedisTLS starts a Redis that speaks TLS on its port.
func RedisTLS(t testing.TB, config ...string) *Server {
	t.Helper()
	s := prepare(t)
	certificate, key := s.certify()
	return s.redis(append([]string{
		"port 0", "tls-port " + s.port(), "tls-auth-clients no",
		"tls-cert-file " + certificate, "tls-key-file " + key, "tls-ca-cert-file " + s.CA,
	}, config...))
}

func (s *Server) redis(config []string, args ...string) *Server {
	s.t.Helper()
	s.Socket = s.path("redis.sock")
	config = append([]string{
		"bind 127.0.0.1", "unixsocket " + s.Socket, "dir " + s.Dir,
		`save ""`, "repl-diskless-sync-delay 0",
	}, config...)
	file := s.write("redis.conf", []byte(strings.Join(config, "\n")+"\n"))
	return s.run(program{
		path: find(s.t, "redis-server", "redis-server"),
		args: append([]string{file}, args...),
		stop: syscall.SIGTERM,
		ready: func() error {
			answer, err := s.ask(nil, "PING\r\n")
			if err == nil && answer != "+PONG\r\n" && !strings.HasPrefix(answer, "-NOAUTH") {
				err = fmt.Errorf("it answers %q", answer)
			}
			return err
		},
	})
}

// redisCLI runs a command of redis-cli and returns what it prints.
func redisCLI(t testing.TB, addr string, args ...string) (string, error) {
	t.Helper()
	host, port, _ := strings.Cut(addr, ":")
	out, err := exec.Command(find(t, "redis-cli", "redis-tools"), append([]string{"-h", host, "-p", port}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("redis-cli: %w: %s", err, out)
	}
	return string(out), err
}
