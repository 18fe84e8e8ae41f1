package memcached_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloakroom-go/cloakroom"
)

// lossy stands before a server. Once told to lose it breaks a connection in place
// of the answer to the next save.
func lossy(t testing.TB, addr string, lose *atomic.Bool) string {
	t.Helper()
	return listen(t, func(client net.Conn) {
		upstream, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		defer upstream.Close()
		var losing atomic.Bool
		go func() {
			defer client.Close()
			answers := bufio.NewReader(upstream)
			for {
				line, err := answers.ReadString('\n')
				if err != nil || losing.Load() {
					return
				}
				if _, err := io.WriteString(client, line); err != nil {
					return
				}
			}
		}()
		questions := bufio.NewReader(client)
		for {
			line, err := questions.ReadString('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "cas ") && lose.CompareAndSwap(true, false) {
				losing.Store(true)
			}
			if _, err := io.WriteString(upstream, line); err != nil {
				return
			}
		}
	})
}

// The connection breaks after a save was carried out and before it was
// acknowledged.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	var lose atomic.Bool
	addr := shared(t).Addr
	e, direct := openAt(t, "memcached://"+lossy(t, addr, &lose)), openAt(t, "memcached://"+addr)
	r := create(t, e, map[string]any{"n": int64(0)})

	r.Data = map[string]any{"n": int64(1)}
	lose.Store(true)
	if err := e.Save(t.Context(), r); err != nil {
		t.Errorf("a save that was carried out: %v", err)
	}
	if lose.Load() {
		t.Error("no answer was lost")
	}

	// When somebody else has saved by now, nobody knows whether this was saved
	// before: as a conflict it would be made once more.
	r, err := e.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := direct.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	other.Data = map[string]any{"n": int64(2)}
	if err := direct.Save(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	r.Data = map[string]any{"n": int64(3)}
	lose.Store(true)
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrUnavailable) || errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save of which nobody knows: %v", err)
	}
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("a save that came too late: %v", err)
	}
}
