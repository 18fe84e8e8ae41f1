package cookie_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
)

// All that Django's signed cookies lack. The list of ended sessions belongs into
// a cache that all processes share, and that forgets nothing.
func Example() {
	sessions := cloakroom.New(
		cookie.Open(cookie.WithEncryption(), cookie.WithPieces(2), cookie.WithRevocation(locmem.New())),
		cloakroom.WithSecretKey("a secret key of 50 characters that nobody knows"),
	)
	ctx := context.Background()

	s := &cloakroom.Session{}
	s.Set("user", "zoe")
	fmt.Println(sessions.Save(ctx, s))

	copied := s.Key() // what somebody who saw the cookie has
	s.Flush()
	fmt.Println(sessions.Save(ctx, s))

	_, err := sessions.Load(ctx, copied)
	fmt.Println(errors.Is(err, cloakroom.ErrNotFound))
	// Output:
	// <nil>
	// <nil>
	// true
}
