package memcached

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
)

func TestExptime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Date(2031, 2, 3, 4, 5, 6, 500_000_000, time.UTC)
	for _, c := range []struct {
		expires time.Time
		want    int64
	}{
		{now.Add(time.Nanosecond), 1},
		{now.Add(time.Second), 1},
		{now.Add(1100 * time.Millisecond), 2},
		{now.Add(30 * day), 30 * 86400},
		{now.Add(30*day + time.Nanosecond), now.Add(30 * day).Unix()},
		{now.Add(40*day - time.Nanosecond), now.Add(40*day).Unix() - 1},
		{now.Add(60 * day), now.Add(60 * day).Unix()},
		{now.AddDate(100, 0, 0), math.MaxInt32},
		{now.AddDate(5000, 0, 0), math.MaxInt32},
		{now, ended},
		{now.Add(-time.Hour), ended},
		{time.Time{}, ended},
	} {
		if got := exptime(c.expires, now); got != c.want {
			t.Errorf("exptime in %v: %d, want %d", c.expires.Sub(now), got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]address{
		"localhost":            {{"tcp", "localhost", "11211"}},
		"10.0.0.1:1,10.0.0.2":  {{"tcp", "10.0.0.1", "1"}, {"tcp", "10.0.0.2", "11211"}},
		"a:1;b:2":              {{"tcp", "a", "1"}, {"tcp", "b", "2"}},
		"a:1,a:1,b:2":          {{"tcp", "a", "1"}, {"tcp", "a", "1"}, {"tcp", "b", "2"}},
		"[::1]":                {{"tcp", "::1", "11211"}},
		"[::1]:1":              {{"tcp", "::1", "1"}},
		"inet6:[::1]:1,inet:a": {{"tcp", "::1", "1"}, {"tcp", "a", "11211"}},
		"/run/a.sock":          {{"unix", "/run/a.sock", ""}},
		"unix:/run/a.sock,b:1": {{"unix", "/run/a.sock", ""}, {"tcp", "b", "1"}},
	} {
		got, err := parse(scheme + text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(address{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
}

// A few bytes that decompress to a great many take little memory.
func TestDecompressIsBounded(t *testing.T) {
	t.Parallel()
	bomb := compress(make([]byte, 2*maxSession))
	if _, err := (item{flags: flagPickle | flagZlib, value: bomb}).record(); !errors.Is(err, cloakroom.ErrCorrupt) {
		t.Errorf("a bomb of %d bytes: error %v, want one that matches ErrCorrupt", len(bomb), err)
	}
	whole := bytes.Repeat([]byte("ticket "), 1000)
	if got, err := decompress(compress(whole)); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("what was compressed comes back as another: %v", err)
	}
}

// hostile is a server that answers whatever it is asked with what it likes.
type hostile struct {
	net.Conn
	io.Reader
}

func (h hostile) Read(p []byte) (int, error)  { return h.Reader.Read(p) }
func (h hostile) Write(p []byte) (int, error) { return len(p), nil }
func (h hostile) SetDeadline(time.Time) error { return nil }
func (h hostile) conn() *conn                 { return newConn(h) }

func FuzzAnswers(f *testing.F) {
	for _, answer := range []string{
		"VA 3 f1 c2 t-1 kkey\r\nabc\r\n", "VA 0 f9 c18446744073709551615 t100 kkey\r\n\r\n", "EN\r\n", "ERROR\r\n",
		"VALUE key 1 3 7\r\nabc\r\nVALUE other 9 0 8\r\n\r\nEND\r\n", "VALUE key 1 99999999999 7\r\n",
		"STORED\r\n", "NOT_FOUND\r\n", "SERVER_ERROR object too large for cache\r\n", "CLIENT_ERROR \r\n",
		"OK\r\nkey=%41b exp=1795452385 la=1795452325 cas=2 fetch=yes cls=1 size=63 flags=1\r\nEND\r\n",
		"key=a exp=-1 la=1 cas=1 fetch=no cls=1 size=9\nBUSY\r\n", "key=% exp= size=\n", "VA f c t\r\n", " \r\n", "\n",
	} {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		answers := func() *conn { return hostile{Reader: strings.NewReader(answer)}.conn() }
		it, found, err := answers().get("key")
		if found && err == nil {
			_, _ = it.record()
			if len(it.value) > len(answer) {
				t.Errorf("a value of %d bytes from an answer of %d", len(it.value), len(answer))
			}
		}
		_ = answers().gets([]string{"key"}, func(_ string, it item) { _, _ = it.record() })
		_, _ = answers().outcome()
		_ = answers().dump(context.Background(), "hash", "", func(e entry) {
			if len(e.key) > len(answer) {
				t.Errorf("a key of %d bytes from an answer of %d", len(e.key), len(answer))
			}
		})
		if err := refusal([]byte(answer)); strings.Contains(err.Error(), "key") && !strings.Contains(answer, "ERROR") &&
			!strings.HasPrefix(answer, "BUSY ") && !strings.HasPrefix(answer, "BADCLASS ") {
			t.Errorf("the error quotes the answer: %v", err)
		}
	})
}
