package server

import (
	"fmt"
	"strings"
	"testing"
)

// Sentinel is a Redis with two replicas and three sentinels that watch over
// them. A primary that is gone for a second is replaced.
type Sentinel struct {
	Addrs      []string // the sentinels'
	MasterName string
	Primary    *Server // as long as it lives
	Replicas   []*Server
	Sentinels  []*Server
}

// RedisSentinel starts them all and waits until they know of each other.
func RedisSentinel(t testing.TB) *Sentinel {
	t.Helper()
	c := &Sentinel{MasterName: "cloakroom", Primary: Redis(t)}
	primary := "127.0.0.1 " + c.Primary.port()
	for range 2 {
		c.Replicas = append(c.Replicas, Redis(t, "replicaof "+primary))
	}
	for range 3 {
		s := prepare(t)
		s.redis([]string{
			"port " + s.port(),
			"sentinel monitor " + c.MasterName + " " + primary + " 2",
			"sentinel down-after-milliseconds " + c.MasterName + " 1000",
			"sentinel failover-timeout " + c.MasterName + " 3000",
		}, "--sentinel")
		c.Sentinels = append(c.Sentinels, s)
		c.Addrs = append(c.Addrs, s.Addr)
	}
	for _, s := range c.Replicas {
		s.await("its primary", func() error { return redisSays(t, s, "master_link_status:up", "info", "replication") })
	}
	for _, s := range c.Sentinels {
		s.await("the others", func() error {
			return redisSays(t, s, "slaves=2,sentinels=3", "info", "sentinel")
		})
	}
	return c
}

// redisSays checks that a command's answer contains what it should.
func redisSays(t testing.TB, s *Server, want string, command ...string) error {
	t.Helper()
	answer, err := redisCLI(t, s.Addr, command...)
	if err == nil && !strings.Contains(answer, want) {
		err = fmt.Errorf("it answers %q, which lacks %q", answer, want)
	}
	return err
}

func (c *Sentinel) showLog(t testing.TB) {
	t.Helper()
	for _, s := range append(append([]*Server{c.Primary}, c.Replicas...), c.Sentinels...) {
		s.showLog(t)
	}
}
