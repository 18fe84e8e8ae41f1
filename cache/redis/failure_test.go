package redis_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/internal/fault"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// says checks what an error is and what it tells.
func says(t *testing.T, err, kind error, text string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v\nwant one that matches %q and says %q, and no password", err, kind, text)
	}
}

func create(t testing.TB, e cloakroom.Engine) *cloakroom.Record {
	t.Helper()
	r := &cloakroom.Record{Data: map[string]any{"n": int64(0)}, Expires: time.Now().Add(time.Hour)}
	if err := e.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	s := shared(t)
	locked := server.Redis(t, "user default on >secret ~* &* +@all")
	encrypted := server.RedisTLS(t)
	for name, c := range map[string]struct {
		address string
		kind    error
		text    string
	}{
		"wrong address":      {"redis://:secret@h?x=1", cloakroom.ErrConfig, "there is no option"},
		"nobody there":       {"redis://127.0.0.1:1", cloakroom.ErrUnavailable, "Redis cannot be reached (see that it runs at 127.0.0.1:1/0)"},
		"no socket":          {"unix:///nowhere/redis.sock", cloakroom.ErrUnavailable, "Redis cannot be reached"},
		"no password":        {"redis://" + locked.Addr, cloakroom.ErrConfig, "Redis wants a password"},
		"wrong password":     {"redis://:secretly@" + locked.Addr, cloakroom.ErrConfig, "Redis refuses the user or the password"},
		"needless password":  {"redis://ada:secret@" + s.Addr, cloakroom.ErrConfig, "Redis refuses the user or the password"},
		"database":           {"redis://" + s.Addr + "/99", cloakroom.ErrConfig, "Redis has no database of that number"},
		"certificate":        {"rediss://" + encrypted.Addr, cloakroom.ErrConfig, "Redis's certificate is not trusted"},
		"not encrypted":      {"rediss://" + s.Addr, cloakroom.ErrUnavailable, ""},
		"no Sentinel":        {"redis+sentinel://" + s.Addr + "/main", cloakroom.ErrConfig, "this Redis is no Sentinel"},
		"no Cluster is fine": {"redis+cluster://" + s.Addr, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			e, err := redis.Open(ctx, c.address)
			if err == nil {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
			if c.kind != nil {
				says(t, err, c.kind, c.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenHonoursItsDeadline(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // which accepts, and never answers
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = redis.Open(ctx, "redis://"+listener.Addr().String())
	says(t, err, cloakroom.ErrUnavailable, "Redis did not answer in time")
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

// A Redis that is there and will not.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := server.Redis(t)
	e := open(t, "redis://"+s.Addr)
	r := create(t, e)
	for name, c := range map[string]struct {
		set, unset []string
		kind       error
		text       string
		load       error // reading goes on where it can
	}{
		"full":     {[]string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}, cloakroom.ErrUnavailable, "Redis is full (raise maxmemory", nil},
		"replica":  {[]string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}, cloakroom.ErrUnavailable, "this Redis is a replica", nil},
		"alone":    {[]string{"CONFIG", "SET", "min-replicas-to-write", "1"}, []string{"CONFIG", "SET", "min-replicas-to-write", "0"}, cloakroom.ErrUnavailable, "Redis has too few replicas", nil},
		"no right": {[]string{"ACL", "SETUSER", "default", "-get"}, []string{"ACL", "SETUSER", "default", "+get"}, cloakroom.ErrConfig, "Redis does not allow the user that (allow it +get", cloakroom.ErrConfig},
	} {
		command(t, s.Addr, c.set...)
		_, err := e.Load(t.Context(), r.Key)
		if c.load == nil && err != nil || !errors.Is(err, c.load) {
			t.Errorf("%s: Load: %v", name, err)
		}
		later := *r
		says(t, e.Save(t.Context(), &later), c.kind, c.text)
		command(t, s.Addr, c.unset...)
		if err := e.Save(t.Context(), r); err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
		}
	}
}

// Whoever begins to connect does so for all who wait. When he leaves they go on.
func TestVisitorsWhoLeaveWhileConnecting(t *testing.T) {
	t.Parallel()
	proxy := fault.NewProxy(t, server.Redis(t).Addr)
	e := open(t, "redis://"+proxy.Addr)
	r := create(t, e)
	ended := make(chan struct{})
	var leavers sync.WaitGroup
	for range 16 {
		leavers.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(rand.N(300*time.Microsecond), leave)
				_, _ = e.Load(ctx, r.Key)
				leave()
			}
		})
	}
	for range 100 {
		proxy.Reset()
		for range 10 {
			if err := e.Save(t.Context(), r); err != nil {
				t.Error(err)
			}
		}
	}
	close(ended)
	leavers.Wait()
}

// A Redis that became a replica is not held on to, for its address may lead to the
// new primary by now. Who only loads notices nothing.
func TestBecameAReplica(t *testing.T) {
	t.Parallel()
	s := server.Redis(t)
	e := open(t, "redis://"+s.Addr)
	r := create(t, e)
	load := func() {
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if _, err := e.Load(t.Context(), r.Key); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	load() // so that all connections are there
	clients := func() map[string]bool {
		list := command(t, s.Addr, "CLIENT", "LIST", "TYPE", "NORMAL")
		text, err := list.ToString()
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for line := range strings.Lines(text) {
			ids[strings.Fields(line)[0]] = true
		}
		return ids
	}
	before := clients()
	command(t, s.Addr, "REPLICAOF", "127.0.0.1", "1")
	later := *r
	says(t, e.Save(t.Context(), &later), cloakroom.ErrUnavailable, "this Redis is a replica")
	load()
	during := clients()
	for id := range during {
		if before[id] {
			t.Errorf("the connection %s is still there", id)
		}
	}

	// Nor is one that does not even answer loads. All keep asking it, so that no
	// connection is quiet enough for a PING to find it out.
	command(t, s.Addr, "CONFIG", "SET", "replica-serve-stale-data", "no")
	for until := time.Now().Add(10 * time.Second); ; {
		for range 100 {
			_, err := e.Load(t.Context(), r.Key)
			says(t, err, cloakroom.ErrUnavailable, "this Redis is a replica without its primary")
		}
		kept := 0
		for id := range clients() {
			if during[id] {
				kept++
			}
		}
		if kept == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("%d connections are still there", kept)
		}
	}
	command(t, s.Addr, "REPLICAOF", "NO", "ONE")
	if err := e.Save(t.Context(), r); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Somebody keeps something else under the session's key.
func TestAnotherType(t *testing.T) {
	t.Parallel()
	s := server.Redis(t)
	e := open(t, "redis://"+s.Addr)
	r := create(t, e)
	key := ":1:django.contrib.sessions.cache" + r.Key
	command(t, s.Addr, "DEL", key)
	command(t, s.Addr, "RPUSH", key, "x")
	_, err := e.Load(t.Context(), r.Key)
	if !errors.Is(err, cloakroom.ErrNotFound) || !errors.Is(err, cloakroom.ErrCorrupt) {
		t.Errorf("Load: %v", err)
	}
	if err := e.Save(t.Context(), r); !errors.Is(err, cloakroom.ErrConflict) {
		t.Errorf("Save: %v", err)
	}
	if st, err := e.Stats(t.Context()); err != nil || st.Live != 0 {
		t.Errorf("Stats: %+v, %v", st, err)
	}
	for range e.List(t.Context()) {
		t.Error("List yields what is no session")
	}
}

// A Redis that hangs: everybody is answered in time, and again once it goes on.
func TestHang(t *testing.T) {
	t.Parallel()
	s := server.Redis(t)
	e := open(t, "redis://"+s.Addr)
	r := create(t, e)
	s.Pause()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				start := time.Now()
				_, err := e.Load(ctx, r.Key)
				text := "Redis did not answer in time"
				if err != nil && !strings.Contains(err.Error(), text) {
					text = "Redis cannot be reached" // a connection was made anew, in vain
				}
				says(t, err, cloakroom.ErrUnavailable, text)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("Load took %v", took)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	s.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := e.Load(ctx, r.Key); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A restart breaks every connection once, and nobody notices.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := server.Redis(t, "appendonly yes", "appendfsync always")
	e := open(t, "redis://"+s.Addr)
	if !e.Describe().Persistent {
		t.Error("Describe: not persistent, with an append-only file")
	}
	r := create(t, e)
	for range 3 {
		s.Stop()
		s.Start()
		r.Data = map[string]any{"n": r.Data["n"].(int64) + 1}
		if err := e.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		s.Start()
		got, err := e.Load(t.Context(), r.Key)
		if err != nil || got.Data["n"] != r.Data["n"] {
			t.Fatalf("%v, %v", got, err)
		}
		s.Kill()
		s.Start()
		create(t, e)
	}
}
