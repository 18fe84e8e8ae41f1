package redis_test

import (
	"testing"

	"github.com/cloakroom-go/cloakroom/internal/fault"
)

func TestLostAnswer(t *testing.T) {
	t.Parallel()
	addr := shared(t).Addr
	l := fault.NewLossy(t, addr, "EVALSHA")
	fault.CheckLostAnswer(t, l, open(t, "redis://"+l.Addr, apart(t)), open(t, "redis://"+addr, apart(t)))
}
