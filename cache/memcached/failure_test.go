package memcached_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// is checks an error's kind, and that it says to the operator what mends it.
func is(t testing.TB, what string, err, kind error, mend string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("%s: error %v, want one that matches %q", what, err, kind)
	}
	if !strings.Contains(err.Error(), mend) {
		t.Errorf("%s: the error does not speak of %q: %v", what, mend, err)
	}
}

// verbs is what an engine can be asked about a session.
func verbs(e *memcached.Engine, r *cloakroom.Record) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Load": func(ctx context.Context) error { _, err := e.Load(ctx, r.Key); return err },
		"Save": func(ctx context.Context) error {
			again := *r
			return e.Save(ctx, &again)
		},
		"Delete": func(ctx context.Context) error { return e.Delete(ctx, r.Key) },
		"Touch":  func(ctx context.Context) error { return e.Touch(ctx, r.Key, time.Now().Add(time.Hour)) },
		"Ping":   e.Ping,
		"Stats":  func(ctx context.Context) error { _, err := e.Stats(ctx); return err },
		"List":   func(ctx context.Context) error { _, err := list(ctx, e); return err },
	}
}

func list(ctx context.Context, e *memcached.Engine) (keys map[string]bool, err error) {
	keys = map[string]bool{}
	for r, err := range e.List(ctx) {
		if err != nil {
			return keys, err
		}
		keys[r.Key] = true
	}
	return keys, nil
}

// A server that hangs is waited for no longer than the context allows, and used
// again once it answers.
func TestHang(t *testing.T) {
	t.Parallel()
	s := server.Memcached(t)
	e := openAt(t, "memcached://"+s.Addr)
	r := create(t, e, map[string]any{"n": int64(1)})
	s.Pause()
	const deadline, slack = 200 * time.Millisecond, 2 * time.Second
	for name, do := range verbs(e, r) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		is(t, name, do(ctx), cloakroom.ErrUnavailable, s.Addr)
		cancel()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(deadline, cancel)
		is(t, name+", cancelled", do(ctx), context.Canceled, "")
		if took := time.Since(began); took > 2*deadline+slack {
			t.Errorf("%s took %v", name, took)
		}
	}
	began := time.Now()
	_, err := e.Load(context.WithoutCancel(t.Context()), r.Key)
	is(t, "Load without a deadline", err, cloakroom.ErrUnavailable, s.Addr)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("Load without a deadline took %v", took)
	}
	s.Resume()
	if err := e.Ping(t.Context()); err != nil {
		t.Errorf("Ping of a server that answers again: %v", err)
	}
}

// No request fails for connections that ended with a server before.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := server.Memcached(t)
	e := openAt(t, "memcached://"+s.Addr)
	const many = 100
	var all sync.WaitGroup
	for range many {
		all.Go(func() { create(t, e, map[string]any{}) })
	}
	all.Wait()
	s.Stop()
	s.Start()
	for range many {
		all.Go(func() {
			r := create(t, e, map[string]any{})
			if err := e.Save(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// When one server of several is down, its sessions cannot be asked for, and the
// others go on.
func TestOneServerDown(t *testing.T) {
	t.Parallel()
	servers := []*server.Server{server.Memcached(t), server.Memcached(t), server.Memcached(t)}
	address := "memcached://" + servers[0].Addr + "," + servers[1].Addr + "," + servers[2].Addr
	e := openAt(t, address)
	byServer := map[string][]*cloakroom.Record{}
	for range 60 {
		r := create(t, e, map[string]any{})
		for _, s := range servers {
			if strings.HasPrefix(ask(t, s.Addr, "get "+djangoKey("", r.Key)+"\r\n"), "VALUE") {
				byServer[s.Addr] = append(byServer[s.Addr], r)
			}
		}
	}
	down := servers[1]
	down.Stop()
	for addr, records := range byServer {
		for _, r := range records {
			loaded, err := e.Load(t.Context(), r.Key)
			if addr == down.Addr {
				is(t, "Load", err, cloakroom.ErrUnavailable, addr)
				is(t, "Save", e.Save(t.Context(), r), cloakroom.ErrUnavailable, addr)
				is(t, "Delete", e.Delete(t.Context(), r.Key), cloakroom.ErrUnavailable, addr)
				continue
			}
			if err == nil {
				err = e.Save(t.Context(), loaded)
			}
			if err != nil {
				t.Fatalf("with another server down: %v", err)
			}
		}
	}
	is(t, "Ping", e.Ping(t.Context()), cloakroom.ErrUnavailable, down.Addr)
	want := 60 - len(byServer[down.Addr])
	keys, err := list(t.Context(), e)
	is(t, "List", err, cloakroom.ErrUnavailable, down.Addr)
	if len(keys) != want {
		t.Errorf("List yields %d sessions of the servers that are up, want %d", len(keys), want)
	}
	st, err := e.Stats(t.Context())
	is(t, "Stats", err, cloakroom.ErrUnavailable, down.Addr)
	if st.Live != int64(want) {
		t.Errorf("Stats counts %d sessions on the servers that are up, want %d", st.Live, want)
	}

	for range 5 {
		openAt(t, address) // a site starts with what is left
	}
	down.Start()
	if err := e.Ping(t.Context()); err != nil {
		t.Errorf("Ping when all are up again: %v", err)
	}
	for _, s := range servers {
		s.Stop()
	}
	_, err = memcached.Open(t.Context(), address)
	is(t, "Open with all servers down", err, cloakroom.ErrUnavailable, "see that it runs")
}

// What is too large is refused, and leaves the session as it was.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	small := openAt(t, "memcached://"+shared(t).Addr, memcached.WithKeys(cache.KeyPrefix("large")))
	large := openAt(t, "memcached://"+server.Memcached(t, "-I", "32m", "-m", "128").Addr)
	for _, c := range []struct {
		name  string
		e     *memcached.Engine
		bytes int
		mend  string
	}{
		{"the server's limit", small, 1 << 20, "-I"},
		{"just below it", small, 1<<20 - 100, "-I"},
		{"our own limit", large, 17 << 20, "keep less"},
	} {
		r := create(t, c.e, map[string]any{"n": int64(1)})
		tooLarge := map[string]any{"n": strings.Repeat("x", c.bytes)}
		is(t, c.name+": Create", c.e.Create(t.Context(), &cloakroom.Record{Data: tooLarge, Expires: r.Expires}), cloakroom.ErrTooLarge, c.mend)
		for range 2 {
			loaded, err := c.e.Load(t.Context(), r.Key)
			if err != nil || loaded.Data["n"] != int64(1) {
				t.Fatalf("%s: what was there is not what was stored: %v", c.name, err)
			}
			loaded.Data = tooLarge
			is(t, c.name+": Save", c.e.Save(t.Context(), loaded), cloakroom.ErrTooLarge, c.mend)
		}
	}
	r := create(t, large, map[string]any{"n": strings.Repeat("x", 15<<20)})
	if loaded, err := large.Load(t.Context(), r.Key); err != nil || loaded.Size < 15<<20 {
		t.Errorf("15 MB below the server's limit: %v", err)
	}
}

// A full server that may evict nothing refuses, and keeps what it has.
func TestFull(t *testing.T) {
	t.Parallel()
	e := openAt(t, "memcached://"+server.Memcached(t, "-M", "-m", "2").Addr)
	r := create(t, e, map[string]any{"n": int64(1)})
	data := map[string]any{"n": strings.Repeat("x", 100_000)}
	var err error
	for range 100 {
		if err = e.Create(t.Context(), &cloakroom.Record{Data: data, Expires: r.Expires}); err != nil {
			break
		}
	}
	is(t, "Create", err, cloakroom.ErrUnavailable, "-m")
	changed := *r
	changed.Data = data
	is(t, "Save", e.Save(t.Context(), &changed), cloakroom.ErrUnavailable, "-m")
	if _, err := e.Load(t.Context(), r.Key); err != nil {
		t.Errorf("what was there is lost: %v", err)
	}
}

// A server that was started in a way that sessions cannot live with says so.
func TestUnsuitableServer(t *testing.T) {
	t.Parallel()
	save := func(e *memcached.Engine) error { return e.Save(t.Context(), create(t, e, map[string]any{})) }
	reload := func(e *memcached.Engine) error {
		r, err := e.Load(t.Context(), create(t, e, map[string]any{}).Key)
		if err != nil {
			t.Fatal(err)
		}
		return e.Save(t.Context(), r)
	}
	list := func(e *memcached.Engine) error { _, err := list(t.Context(), e); return err }
	stats := func(e *memcached.Engine) error { _, err := e.Stats(t.Context()); return err }
	for _, c := range []struct {
		args []string
		do   func(e *memcached.Engine) error
		mend string
	}{
		{[]string{"-C"}, save, "-C"},
		{[]string{"-C"}, reload, "-C"},
		{[]string{"-X"}, list, "-X"},
		{[]string{"-X"}, stats, "-X"},
		{[]string{"-o", "no_lru_crawler"}, list, "no_lru_crawler"},
	} {
		e := openAt(t, "memcached://"+server.Memcached(t, c.args...).Addr)
		is(t, strings.Join(c.args, " "), c.do(e), cloakroom.ErrConfig, c.mend)
	}
	// What one with -Y says to everything.
	secured := listen(t, func(c net.Conn) {
		if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			_, _ = c.Write([]byte("CLIENT_ERROR unauthenticated\r\n"))
		}
	})
	_, err := memcached.Open(t.Context(), "memcached://"+secured)
	is(t, "-Y", err, cloakroom.ErrConfig, "-Y")
}

// An old Memcached, and some proxies, know no meta commands: all holds but that
// nobody tells the expiry.
func TestOldMemcached(t *testing.T) {
	t.Parallel()
	e := openAt(t, "memcached://"+old(t, shared(t).Addr), memcached.WithKeys(cache.KeyPrefix("old")))
	r := create(t, e, map[string]any{"n": int64(1)})
	for range 2 {
		loaded, err := e.Load(t.Context(), r.Key)
		if err != nil || loaded.Data["n"] != int64(1) || !loaded.Expires.IsZero() {
			t.Fatalf("Load: %+v, %v", loaded, err)
		}
		loaded.Expires = r.Expires
		if err := errors.Join(e.Save(t.Context(), loaded), e.Save(t.Context(), loaded)); err != nil {
			t.Errorf("Save: %v", err)
		}
	}
	is(t, "Save at an old version", e.Save(t.Context(), &cloakroom.Record{Key: r.Key, Expires: r.Expires}), cloakroom.ErrConflict, "")
	// An old one passes over what it is just moving; nothing moves for long.
	for until := time.Now().Add(5 * time.Second); ; {
		keys, err := list(t.Context(), e)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if keys[r.Key] {
			break
		}
		if time.Now().After(until) {
			t.Fatal("List passes over a session")
		}
	}
	if err := e.Delete(t.Context(), r.Key); err != nil {
		t.Error(err)
	}
	_, err := e.Load(t.Context(), r.Key)
	is(t, "Load", err, cloakroom.ErrNotFound, "")
}

// old stands before a server and knows nothing new.
func old(t testing.TB, addr string) string {
	t.Helper()
	return listen(t, func(client net.Conn) {
		upstream, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		defer upstream.Close()
		go func() { _, _ = io.Copy(client, upstream) }()
		r := bufio.NewReader(client)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch {
			case strings.HasPrefix(line, "mg "):
				_, err = client.Write([]byte("ERROR\r\n"))
			case strings.HasPrefix(line, "lru_crawler metadump hash"):
				_, err = client.Write([]byte("BADCLASS invalid class id\r\n"))
			default:
				_, err = upstream.Write([]byte(line))
			}
			if err != nil {
				return
			}
		}
	})
}

// listen serves connections until the test ends.
func listen(t testing.TB, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	t.Cleanup(func() { l.Close() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	return l.Addr().String()
}

// What is no Memcached is told from one that has nothing.
func TestNoMemcached(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"a web server":      "HTTP/1.1 400 Bad Request\r\n\r\n",
		"half a value":      "VA 100 f1 c1 t10 kKEY\r\nabc",
		"a value too long":  "VA 3 f1 c1 t10 kKEY\r\nabcd\r\n",
		"a negative length": "VA -3 f1 c1 t10 kKEY\r\n",
		"an absurd length":  "VA 18446744073709551615 f1 c1 t10 kKEY\r\nabc\r\n",
		"another's session": "VA 6 f1 c1 t10 kabc\r\n\x80\x05}\x94.\r\n",
		"another's miss":    "EN kabc\r\n",
		"a session, old":    "VALUE abc 1 6 1\r\n\x80\x05}\x94.\r\nEND\r\n",
		"an endless line":   strings.Repeat("x", 1<<20),
		"nothing":           "",
	} {
		addr := listen(t, func(c net.Conn) {
			if question, err := bufio.NewReader(c).ReadString('\n'); err == nil {
				if key := strings.Fields(question); len(key) > 1 {
					answer = strings.ReplaceAll(answer, "KEY", key[1])
				}
				_, _ = c.Write([]byte(answer))
			}
		})
		_, err := memcached.Open(t.Context(), "memcached://"+addr)
		is(t, name, err, cloakroom.ErrUnavailable, addr)
		if strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: the error quotes what may be a session: %v", name, err)
		}
	}
}

// What is stored and is no session is told from what is not there.
func TestNoSession(t *testing.T) {
	t.Parallel()
	addr := shared(t).Addr
	e := openAt(t, "memcached://"+addr, memcached.WithKeys(cache.KeyPrefix("none")))
	bomb := "\x78\x9c" // of zlib, and no more
	for name, c := range map[string]struct {
		flags int
		value string
	}{
		"bytes":             {0, "\x80\x05}\x94."},
		"text":              {16, "{}"},
		"an integer":        {2, "1"},
		"a pickled list":    {1, "\x80\x05]\x94."},
		"an empty value":    {1, ""},
		"half a compressed": {9, bomb},
		"not compressed":    {9, "\x80\x05}\x94."},
		"unknown flags":     {1 << 15, "\x80\x05}\x94."},
	} {
		key := cloakroom.NewKey()
		put(t, addr, djangoKey("none", key), c.flags, c.value)
		_, err := e.Load(t.Context(), key)
		if !errors.Is(err, cloakroom.ErrCorrupt) || !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("%s: Load: error %v, want one that matches ErrCorrupt and ErrNotFound", name, err)
		}
		r := &cloakroom.Record{Key: key, Expires: time.Now().Add(time.Hour)}
		is(t, name+": Save", e.Save(t.Context(), r), cloakroom.ErrConflict, "")
	}
	if keys, err := list(t.Context(), e); err != nil || len(keys) > 0 {
		t.Errorf("List yields %d of what is no session; error %v", len(keys), err)
	}
}

// Many lists at the same time wait for each other: Memcached makes one at a
// time.
func TestManyLists(t *testing.T) {
	t.Parallel()
	e := openAt(t, "memcached://"+server.Memcached(t).Addr)
	const sessions, lists = 5000, 8
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range sessions / 10 {
				create(t, e, map[string]any{"user": "Ada"})
			}
		})
	}
	all.Wait()
	for range lists {
		all.Go(func() {
			if keys, err := list(t.Context(), e); err != nil || len(keys) != sessions {
				t.Errorf("List yields %d sessions of %d; error %v", len(keys), sessions, err)
			}
		})
		all.Go(func() {
			if st, err := e.Stats(t.Context()); err != nil || st.Live != sessions {
				t.Errorf("Stats: %+v, %v; want %d live", st, err, sessions)
			}
		})
	}
	all.Wait()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := server.MemcachedTLS(t)
	certificate, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	e := openAt(t, "memcached://"+s.Addr, memcached.WithTLS(&tls.Config{RootCAs: pool}))
	r := create(t, e, map[string]any{})
	s.Stop()
	_, err = e.Load(t.Context(), r.Key)
	is(t, "Load", err, cloakroom.ErrUnavailable, s.Addr)
	s.Start()
	if err := e.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = memcached.Open(t.Context(), "memcached://"+s.Addr, memcached.WithTLS(&tls.Config{}))
	is(t, "Open without trust", err, cloakroom.ErrConfig, "WithTLS")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = memcached.Open(ctx, "memcached://"+s.Addr)
	is(t, "Open without TLS", err, cloakroom.ErrUnavailable, s.Addr)
}

func TestSocket(t *testing.T) {
	t.Parallel()
	s := server.MemcachedSocket(t)
	for _, address := range []string{"memcached://" + s.Socket, "memcached://unix:" + s.Socket} {
		e := openAt(t, address)
		create(t, e, map[string]any{})
		if at := e.Describe().Location; at != s.Socket {
			t.Errorf("Describe says that it is at %q, want %q", at, s.Socket)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	addr := shared(t).Addr
	for name, c := range map[string]struct {
		address string
		option  memcached.Option
		mend    string
	}{
		"another scheme":         {"redis://" + addr, nil, "memcached://"},
		"no server":              {"memcached://", nil, "memcached://"},
		"no port":                {"memcached://localhost:", nil, "port"},
		"a port too high":        {"memcached://localhost:65536", nil, "65535"},
		"a bare IPv6 address":    {"memcached://::1:11211", nil, "[host]:port"},
		"a user":                 {"memcached://user@localhost", nil, "host"},
		"no path":                {"memcached://unix:", nil, "path"},
		"an unknown placement":   {"memcached://" + addr, memcached.WithPlacement(7), "Python client"},
		"a prefix with spaces":   {"memcached://" + addr, memcached.WithKeys(cache.KeyPrefix("my site")), "KEY_PREFIX"},
		"a prefix with commands": {"memcached://" + addr, memcached.WithKeys(cache.KeyPrefix("a\r\nflush_all\r\n")), "KEY_PREFIX"},
		"a prefix too long":      {"memcached://" + addr, memcached.WithKeys(cache.KeyPrefix(strings.Repeat("p", 200))), "KEY_PREFIX"},
	} {
		var options []memcached.Option
		if c.option != nil {
			options = append(options, c.option)
		}
		_, err := memcached.Open(t.Context(), c.address, options...)
		is(t, name, err, cloakroom.ErrConfig, c.mend)
	}
}

// Each of several servers is asked for itself.
func TestPingShard(t *testing.T) {
	t.Parallel()
	left := server.Memcached(t)
	e := openAt(t, "memcached://"+shared(t).Addr+","+left.Addr)
	left.Stop()
	for shard, want := range []error{nil, cloakroom.ErrUnavailable} {
		if err := e.PingShard(t.Context(), shard); !errors.Is(err, want) {
			t.Errorf("server %d: %v, want %v", shard, err, want)
		}
	}
	if err := e.Ping(t.Context()); !errors.Is(err, cloakroom.ErrUnavailable) {
		t.Errorf("all of them: %v", err)
	}
}
