package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStart(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *Server{
		"memcached, TLS":  MemcachedTLS,
		"memcached, Unix": MemcachedSocket,
		"Redis, TLS":      RedisTLS,
		"Redis, password": func(t testing.TB, _ ...string) *Server { return Redis(t, "requirepass secret") },
		"Redis, ACL user": func(t testing.TB, _ ...string) *Server {
			return Redis(t, "user ada on >secret ~* &* +@all", "user default off")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.Pause() // which does not keep it from its end
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *Server{"memcached": Memcached, "Redis": Redis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults(t, start(t))
		})
	}
}

// faults does to a server all that a test can, after which it answers again.
func faults(t *testing.T, s *Server) {
	t.Helper()
	if n := s.Memory(); n < 1<<20 {
		t.Errorf("it takes %d bytes of memory", n)
	}
	addr := s.Addr
	s.Pause()
	if err := s.program.ready(); err == nil {
		t.Error("a paused server answers")
	}
	s.Resume()
	s.await("a client after a pause", s.program.ready)
	for _, end := range []func(){s.Stop, s.Kill} {
		end()
		if err := s.program.ready(); err == nil {
			t.Error("a server that was ended answers")
		}
		s.Start()
	}
	if s.Addr != addr {
		t.Errorf("started again on %s, before on %s", s.Addr, addr)
	}
}

func TestRedisKeepsItsData(t *testing.T) {
	t.Parallel()
	for name, config := range map[string][]string{
		"AOF": {"appendonly yes", "appendfsync always"},
		"RDB": {"save 3600 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Redis(t, config...)
			if err := redisSays(t, s, "OK", "set", "name", "Ada"); err != nil {
				t.Fatal(err)
			}
			s.Stop()
			s.Start()
			if err := redisSays(t, s, "Ada", "get", "name"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSentinelReplacesThePrimary(t *testing.T) {
	t.Parallel()
	c := RedisSentinel(t)
	c.Primary.Kill()
	c.Sentinels[0].await("another primary", func() error {
		answer, err := redisCLI(t, c.Addrs[0], "sentinel", "get-master-addr-by-name", c.MasterName)
		if err == nil && strings.Contains(answer, c.Primary.port()) {
			err = errors.New("it is the one that was killed")
		}
		return err
	})
}

func TestClusterReplacesAPrimary(t *testing.T) {
	t.Parallel()
	c := RedisCluster(t)
	c.Nodes[0].Kill()
	c.Nodes[1].await("another primary", func() error {
		answer, err := redisCLI(t, c.Addrs[1], "cluster", "nodes")
		if err == nil && strings.Count(answer, "master") != 4 {
			err = errors.New("none took its place")
		}
		return err
	})
	c.Nodes[1].await("the whole cluster", func() error { return redisSays(t, c.Nodes[1], "cluster_state:ok", "cluster", "info") })
}

func TestShared(t *testing.T) {
	t.Parallel()
	shared := Shared(func(t testing.TB) *Server { return Memcached(t) })
	var first *Server
	t.Run("first", func(t *testing.T) { first = shared(t) })
	t.Run("second", func(t *testing.T) {
		if second := shared(t); second != first {
			t.Errorf("%s and %s are not shared", first, second)
		}
		if err := first.program.ready(); err != nil {
			t.Errorf("it ended with the first test: %v", err)
		}
	})
	if err := first.keeper.close(); err != nil { // which the end of the process would do
		t.Error(err)
	}
}

// TestKilled runs itself as a test that is killed, which leaves nothing behind.
func TestKilled(t *testing.T) {
	const variable = "CLOAKROOM_TEST_KILLED"
	if os.Getenv(variable) != "" {
		s := Redis(t)
		os.Stdout.WriteString(s.Addr + " " + s.Dir + "\n")
		select {} // until it is killed
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1024)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	addr, dir, _ := strings.Cut(strings.TrimSpace(string(line[:n])), " ")
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		if _, gone := os.Stat(dir); err != nil && os.IsNotExist(gone) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the server or its folder outlived the test")
}

// What is missing is named with the way to install it.
func TestMissing(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		find(r, "no-such-server", "no-such-package")
	}()
	<-done
	if want := "apt-get install no-such-package"; !strings.Contains(r.text, want) {
		t.Errorf("it fails with %q, want %q in it", r.text, want)
	}
}

// A test that fails is shown the server's log.
func TestLog(t *testing.T) {
	t.Parallel()
	s := Redis(t)
	r := &recorder{TB: t}
	s.showLog(r)
	if want := "Ready to accept connections"; !strings.Contains(r.text, want) {
		t.Errorf("it shows %q, want %q in it", r.text, want)
	}
}

// recorder is a test that fails, and keeps what it is told.
type recorder struct {
	testing.TB
	text string
}

func (*recorder) Failed() bool { return true }

func (r *recorder) Logf(format string, args ...any) { r.text += fmt.Sprintf(format, args...) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Logf(format, args...)
	runtime.Goexit()
}
