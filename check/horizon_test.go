package check_test

import (
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/check"
	"github.com/cloakroom-go/cloakroom/django/auth"
	keystone "github.com/cloakroom-go/cloakroom/django/horizon"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/internal/server"
	"github.com/cloakroom-go/cloakroom/site"
)

// signIn keeps n sessions as Horizon does that has just been used.
func signIn(t testing.TB, s *settings.Settings, n int, token time.Duration, secretKey string) {
	t.Helper()
	opened, err := site.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	life := min(s.SessionTimeout, token)
	for range n {
		r := &cloakroom.Record{Expires: time.Now().Add(life), Data: map[string]any{
			auth.UserIDName: "ada", auth.BackendName: keystone.Backend,
			auth.HashName:     auth.SessionHash(secretKey, "None"),
			"_session_expiry": int64(life / time.Second),
			"token": map[string]any{
				"user":    map[string]any{"id": "ada", "name": "Ada"},
				"expires": time.Now().Add(token).UTC().Format(time.RFC3339),
			},
		}}
		if err := opened.Engine.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTokensEndBeforeSessions(t *testing.T) {
	t.Parallel()
	s := horizon(t, onRedis(server.Redis(t, "appendonly yes").Addr)+"SESSION_TIMEOUT = 7200\n")
	signIn(t, s, 3, time.Hour, s.SecretKey)
	finds(t, s, check.Options{}, "warning timeout-beyond-token")
	signIn(t, s, 1, 3*time.Hour, s.SecretKey)
	finds(t, s, check.Options{})
}

// In a cache nothing is signed, but for who is signed in.
func TestOtherSecretKeyInACache(t *testing.T) {
	t.Parallel()
	s := horizon(t, onMemcached(server.Memcached(t).Addr))
	signIn(t, s, 3, 2*time.Hour, "another key")
	finds(t, s, check.Options{}, "error secret-key-differs")
	s.SecretKeyFallbacks = []string{"another key"}
	finds(t, s, check.Options{})
}
