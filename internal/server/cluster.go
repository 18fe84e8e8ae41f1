package server

import "testing"

// Cluster is a Redis Cluster of three primaries, each with one replica. A
// primary that is gone for two seconds is replaced.
type Cluster struct {
	Addrs []string  // of all nodes
	Nodes []*Server // the three that begin as primaries come first
}

// RedisCluster starts it and waits until every node serves.
func RedisCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	for range 6 {
		s := prepare(t)
		s.redis([]string{
			"port " + s.port(), "cluster-enabled yes", "cluster-port " + freePort(t),
			"cluster-node-timeout 2000", "cluster-replica-validity-factor 0",
		})
		c.Nodes = append(c.Nodes, s)
		c.Addrs = append(c.Addrs, s.Addr)
	}
	create := append([]string{"--cluster", "create", "--cluster-yes", "--cluster-replicas", "1"}, c.Addrs...)
	if _, err := redisCLI(t, c.Addrs[0], create...); err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Nodes[3:] {
		s.await("its primary", func() error { return redisSays(t, s, "master_link_status:up", "info", "replication") })
	}
	for _, s := range c.Nodes {
		s.await("the cluster", func() error { return redisSays(t, s, "cluster_state:ok", "cluster", "info") })
	}
	return c
}

func (c *Cluster) showLog(t testing.TB) {
	t.Helper()
	for _, s := range c.Nodes {
		s.showLog(t)
	}
}
