// Package server starts real servers for tests: each a process of its own on a
// free port of 127.0.0.1, with a folder of its own in which it keeps all that it
// writes. No server outlives its test, not even when the test is killed.
package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start or to end. It is long because
// many servers share few processors when all tests run.
const patience = time.Minute

// Server is one running server. It belongs to the test's goroutine; whatever it
// cannot do ends the test.
type Server struct {
	Addr   string // 127.0.0.1 and a port; stays the same when it is started again
	Socket string // the path of its Unix socket; empty when it listens on none
	CA     string // the certificate to trust, a PEM file; empty without TLS
	Dir    string // what it keeps, and its log

	t         testing.TB
	program   program
	databases *databases // nil when it has none
	keeper    *keeper
	process   *os.Process
	ended     chan struct{}
}

// program is how a kind of server is run.
type program struct {
	path  string
	args  []string
	stop  syscall.Signal // ends it in good order
	ready func() error   // nil once it answers
}

// prepare gives a server to be a folder, a port, and an end with the test.
func prepare(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, Addr: net.JoinHostPort("127.0.0.1", freePort(t)), Dir: newDir(t)}
	var err error
	if s.keeper, err = newKeeper(s.Dir); err != nil {
		t.Fatal(errors.Join(err, os.RemoveAll(s.Dir)))
	}
	t.Cleanup(func() {
		_ = s.signal(syscall.SIGCONT) // a paused one could not end
		if err := s.keeper.close(); err != nil {
			t.Errorf("the server's process or folder may be left: %v", err)
		}
	})
	t.Cleanup(func() { s.showLog(t) })
	return s
}

func (s *Server) run(p program) *Server {
	s.t.Helper()
	s.program = p
	s.Start()
	return s
}

// Start starts the server, again after a Stop or a Kill, and waits until it
// answers.
func (s *Server) Start() {
	s.t.Helper()
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd := s.command(s.program.path, s.program.args)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process, s.ended = cmd.Process, make(chan struct{})
	s.keeper.watch(s.process.Pid)
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		s.keeper.watch(0)
		close(s.ended)
	}()
	s.await("a client", s.program.ready)
}

func (s *Server) command(path string, args []string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	// Ctrl-C ends the test, and that the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: unprivileged}
	return cmd
}

// await waits until the server has met whom it needs to meet.
func (s *Server) await(whom string, met func() error) {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		err := met()
		if err == nil {
			return
		}
		select {
		case <-s.ended:
			s.t.Fatalf("%s ended before it met %s", s, whom)
		case <-deadline:
			s.t.Fatalf("%s has not met %s: %v", s, whom, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server in good order. What it keeps stays in Dir.
func (s *Server) Stop() {
	s.t.Helper()
	s.end(s.program.stop)
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	s.t.Helper()
	s.end(syscall.SIGKILL)
}

func (s *Server) end(how syscall.Signal) {
	s.t.Helper()
	s.must(s.signal(how))
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("%s does not end", s)
	}
}

// Pause lets the server hang: connections are accepted by the operating system
// and nobody answers.
func (s *Server) Pause() {
	s.t.Helper()
	s.must(s.signal(syscall.SIGSTOP))
	s.await("its own halt", s.halted)
}

// halted is nil once every thread of the server stands still: the kernel stops
// them one by one.
func (s *Server) halted() error {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.process.Pid))
	for _, file := range threads {
		stat, _ := os.ReadFile(file)
		if _, state, ok := strings.Cut(string(stat), ") "); ok && !strings.HasPrefix(state, "T") {
			return errors.New("a thread is still running")
		}
	}
	return nil
}

// Resume ends a Pause.
func (s *Server) Resume() {
	s.t.Helper()
	s.must(s.signal(syscall.SIGCONT))
}

// signal reaches the processes that the server has for its connections as well,
// but for an orderly stop: that is the server's to tell them.
func (s *Server) signal(sig syscall.Signal) error {
	if s.process == nil {
		return os.ErrProcessDone
	}
	if err := s.process.Signal(sig); err != nil || sig == s.program.stop {
		return err
	}
	for _, pid := range s.children() {
		_ = syscall.Kill(pid, sig) // it may have ended by itself
	}
	return nil
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", s, err)
	}
}

// String names the server in messages.
func (s *Server) String() string {
	return filepath.Base(s.program.path) + " on " + s.Addr
}

func (s *Server) path(name string) string { return filepath.Join(s.Dir, name) }

func (s *Server) port() string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return port
}

// showLog gives the end of the server's log to a test that failed.
func (s *Server) showLog(t testing.TB) {
	t.Helper()
	if !t.Failed() {
		return
	}
	const shown = 8 << 10
	log, _ := os.ReadFile(s.path("log"))
	t.Logf("the log of %s:\n%s", s, log[max(0, len(log)-shown):])
}
