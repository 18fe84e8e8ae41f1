package cacheddb_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cacheddb"
	"github.com/cloakroom-go/cloakroom/engine/file"
)

// Local memory serves a single process; several need memcached.New or redis.New.
func ExampleNew() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := file.Open(ctx, "file://"+dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	// cloakroom.New hands the keys of cloakroom.WithSecretKey over by itself.
	engine := cacheddb.New(locmem.New(), store.WithSecretKeys("the SECRET_KEY of the Django site"))
	defer engine.Close()
	r := &cloakroom.Record{Data: map[string]any{"n": int64(41)}, Expires: time.Now().Add(time.Hour)}
	if err := engine.Create(ctx, r); err != nil {
		fmt.Println(err)
		return
	}
	loaded, err := engine.Load(ctx, r.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(loaded.Data["n"], engine.Describe().BackEnd)
	// Output: 41 files behind local memory
}
