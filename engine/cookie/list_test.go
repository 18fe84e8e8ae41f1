package cookie_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/memcached"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
	"github.com/cloakroom-go/cloakroom/engine/file"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

// A list in a real cache: what is on it stays out, and while it cannot be asked
// nobody is logged in or out.
func TestListInACache(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) (*server.Server, cookie.List){
		"Redis": func(t *testing.T) (*server.Server, cookie.List) {
			s := server.Redis(t)
			list, err := redis.New(t.Context(), "redis://"+s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = list.Close() })
			return s, list
		},
		"Memcached": func(t *testing.T) (*server.Server, cookie.List) {
			s := server.Memcached(t)
			list, err := memcached.New("memcached://" + s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = list.Close() })
			return s, list
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, list := open(t)
			e := cookie.Open(cookie.WithRevocation(list)).WithSecretKeys(secret)
			ended, live := create(t, e, nil), create(t, e, nil)
			if err := e.Delete(t.Context(), ended.Key); err != nil {
				t.Fatal(err)
			}
			load := func(r *cloakroom.Record) error {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				_, err := e.Load(ctx, r.Key)
				return err
			}
			if err := load(ended); !errors.Is(err, cloakroom.ErrNotFound) {
				t.Errorf("ended: %v", err)
			}
			if err := load(live); err != nil {
				t.Errorf("live: %v", err)
			}
			s.Pause()
			for what, r := range map[string]*cloakroom.Record{"ended": ended, "live": live} {
				if err := load(r); !errors.Is(err, cloakroom.ErrUnavailable) || errors.Is(err, cloakroom.ErrNotFound) {
					t.Errorf("%s, in an outage: %v, want ErrUnavailable", what, err)
				}
			}
			s.Resume()
			for deadline := time.Now().Add(10 * time.Second); load(live) != nil; {
				if time.Now().After(deadline) {
					t.Fatalf("live, after an outage: %v", load(live))
				}
				time.Sleep(50 * time.Millisecond)
			}
			if err := load(ended); !errors.Is(err, cloakroom.ErrNotFound) {
				t.Errorf("ended, after an outage: %v", err)
			}
		})
	}
}

// A list in files: what is on it stays out, and a second logout finds it there.
func TestListInAnEngine(t *testing.T) {
	t.Parallel()
	files, err := file.Open(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := cookie.Open(cookie.WithRevocation(cookie.ListIn(files.WithSecretKeys(secret).(*file.Engine)))).WithSecretKeys(secret)
	plain := create(t, open(), nil) // without a name, as Django's are
	for _, r := range []*cloakroom.Record{create(t, e, nil), plain} {
		if _, err := e.Load(t.Context(), r.Key); err != nil {
			t.Errorf("live: %v", err)
		}
		for range 2 {
			if err := e.Delete(t.Context(), r.Key); err != nil {
				t.Error(err)
			}
			if _, err := e.Load(t.Context(), r.Key); !errors.Is(err, cloakroom.ErrNotFound) {
				t.Errorf("ended: %v", err)
			}
		}
	}
	if _, err := e.Load(t.Context(), create(t, e, nil).Key); err != nil {
		t.Errorf("live: %v", err)
	}
}
