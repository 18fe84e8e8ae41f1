package fault

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// Lossy passes connections on to a server. It is safe for concurrent use, and
// takes none any more once its test has ended.
type Lossy struct {
	Addr string // where it listens

	server  string
	command string
	lose    atomic.Bool
}

// NewLossy returns a Lossy before the server at addr, which knows a command by what
// its bytes contain.
func NewLossy(t testing.TB, addr, command string) *Lossy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Lossy{Addr: listener.Addr().String(), server: addr, command: command}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go l.serve(client)
		}
	}()
	return l
}

// Lose has the next command's connection break in place of its answer.
func (l *Lossy) Lose() { l.lose.Store(true) }

// Lost reports that it did.
func (l *Lossy) Lost() bool { return !l.lose.Load() }

func (l *Lossy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		return
	}
	defer server.Close()
	var losing atomic.Bool
	go func() {
		_, _ = io.Copy(server, readerFunc(func(p []byte) (int, error) {
			n, err := client.Read(p)
			if strings.Contains(string(p[:n]), l.command) && l.lose.CompareAndSwap(true, false) {
				losing.Store(true)
			}
			return n, err
		}))
		server.Close()
	}()
	_, _ = io.Copy(client, readerFunc(func(p []byte) (int, error) {
		n, err := server.Read(p)
		if losing.Load() {
			return 0, io.ErrUnexpectedEOF
		}
		return n, err
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
