package guarded_test

import (
	"context"
	"fmt"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cache"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
)

// Any engine can be guarded: one on Redis, on a database, with a cache before it.
func ExampleNew() {
	engine := guarded.New(cache.New(locmem.New()))
	sessions := cloakroom.New(engine)

	session := &cloakroom.Session{}
	session.Set("user", "Ada")
	if err := sessions.Save(context.Background(), session); err != nil {
		fmt.Println(err)
	}
	_, lists := cloakroom.As[cloakroom.Lister](sessions.Engine())
	fmt.Println(engine.State().Circuit, lists)
	// Output: closed true
}
