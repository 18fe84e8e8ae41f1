package memcached_test

import (
	"testing"

	"github.com/cloakroom-go/cloakroom/internal/fault"
)

func TestLostAnswer(t *testing.T) {
	t.Parallel()
	addr := shared(t).Addr
	l := fault.NewLossy(t, addr, "cas ")
	fault.CheckLostAnswer(t, l, openAt(t, "memcached://"+l.Addr), openAt(t, "memcached://"+addr))
}
