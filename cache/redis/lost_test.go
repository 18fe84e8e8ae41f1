package redis_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloakroom-go/cloakroom"
)

// lossy passes connections on to Redis. Once told to lose it breaks one in place
// of the answer to the next save.
type lossy struct {
	net.Listener
	lose atomic.Bool
}

func newLossy(t *testing.T, addr string) *lossy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &lossy{Listener: listener}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go l.serve(client, addr)
		}
	}()
	return l
}

func (l *lossy) serve(client net.Conn, addr string) {
	defer client.Close()
	redis, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer redis.Close()
	var losing atomic.Bool
	go func() {
		_, _ = io.Copy(redis, readerFunc(func(p []byte) (int, error) {
			n, err := client.Read(p)
			if strings.Contains(string(p[:n]), "EVALSHA") && l.lose.CompareAndSwap(true, false) {
				losing.Store(true)
			}
			return n, err
		}))
		redis.Close()
	}()
	_, _ = io.Copy(client, readerFunc(func(p []byte) (int, error) {
		n, err := redis.Read(p)
		if losing.Load() {
			return 0, io.ErrUnexpectedEOF
		}
		return n, err
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The connection breaks after a save was carried out and before it was
// acknowledged.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	s := shared(t)
	l := newLossy(t, s.Addr)
	e, direct := open(t, "redis://"+l.Addr().String(), apart(t)), open(t, "redis://"+s.Addr, apart(t))
	r := create(t, e)
	if err := e.Save(t.Context(), r); err != nil { // the script is known from here
		t.Fatal(err)
	}

	r.Data = map[string]any{"n": int64(1)}
	l.lose.Store(true)
	if err := e.Save(t.Context(), r); err != nil {
		t.Errorf("a save that was carried out: %v", err)
	}
	if l.lose.Load() {
		t.Error("no answer was lost")
	}

	// When somebody else has saved by now, nobody knows whether this was saved
	// before: as a conflict it would be made once more.
	other, err := direct.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	other.Data = map[string]any{"n": int64(2)}
	if err := direct.Save(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	r.Data = map[string]any{"n": int64(3)}
	l.lose.Store(true)
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrUnavailable) || errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save of which nobody knows: %v", err)
	}
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save that came too late: %v", err)
	}
}
