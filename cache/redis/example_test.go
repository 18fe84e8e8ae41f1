package redis_test

import (
	"context"
	"fmt"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/redis"
	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// Beside a Django whose CACHES say django_redis.cache.RedisCache, a KEY_PREFIX
// and the ZlibCompressor.
func ExampleOpen() {
	engine, err := redis.Open(context.Background(), "redis://horizon:password@10.0.0.1:6379/1",
		redis.WithKeys(cache.KeyPrefix("horizon")),
		redis.WithCompressor(redis.Zlib))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	sessions := cloakroom.New(engine)
	_ = sessions.Handler
}
