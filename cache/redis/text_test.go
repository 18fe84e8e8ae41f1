package redis_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	const long = "Zoë was here, and here, and here, and here, and here, and here, and here, and here, and here"
	address := "redis://" + shared(t).Addr
	for name, option := range map[string]redis.Option{
		"pickle": redis.WithPickleProtocol(2), "json": redis.WithSerializer(redis.JSON), "msgpack": redis.WithSerializer(redis.MessagePack),
		"lzma": redis.WithCompressor(redis.LZMA), "zstd": redis.WithCompressor(redis.Zstd),
	} {
		c, err := redis.New(t.Context(), address, option)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		key := name + cloakroom.NewKey()
		if _, err := c.Text(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		for _, text := range []string{"k3y", "", long + long} {
			if err := c.SetText(t.Context(), key, text, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Text(t.Context(), key); got != text || err != nil {
				t.Errorf("%s: %q is read as %q, %v", name, text, got, err)
			}
		}
		if added, err := c.Add(t.Context(), key+"session", &cloakroom.Record{Data: map[string]any{"a": "b"}, Expires: time.Now().Add(time.Hour)}); !added || err != nil {
			t.Fatal(added, err)
		}
		if got, err := c.Text(t.Context(), key+"session"); !errors.Is(err, cloakroom.ErrCorrupt) {
			t.Errorf("%s: a session is taken for the text %q, %v", name, got, err)
		}
	}
}
