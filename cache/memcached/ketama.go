package memcached

import (
	"cmp"
	"crypto/md5" // libmemcached's choice; it guards nothing
	"encoding/binary"
	"fmt"
	"slices"
)

// point is one of the many places that a server has on the circle of all hashes.
// A key is on the server of the next point.
type point struct {
	hash   uint32
	server *server
}

type circle []point

func (c circle) of(hash uint32) *server {
	i, _ := slices.BinarySearchFunc(c, hash, func(p point, h uint32) int { return cmp.Compare(p.hash, h) })
	return c[i%len(c)].server
}

func newCircle(points []point) circle {
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.hash, b.hash) })
	return points
}

// ketama is libmemcached's MEMCACHED_BEHAVIOR_KETAMA: 100 points a server.
func ketama(ring []*server) func(key string) *server {
	var points []point
	for _, s := range ring {
		for i := range 100 {
			points = append(points, point{oneAtATime(s.pointName(i)), s})
		}
	}
	c := newCircle(points)
	return func(key string) *server { return c.of(oneAtATime(key)) }
}

// weightedKetama is libmemcached's MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, for equal
// weights: 160 points a server, or fewer by its rounding.
func weightedKetama(ring []*server) func(key string) *server {
	count := float32(len(ring))
	share := 1 / count
	names := int(float64(share*160/4*count) + 1e-10)
	var points []point
	for _, s := range ring {
		for i := range names {
			sum := md5.Sum([]byte(s.pointName(i)))
			for four := range slices.Chunk(sum[:], 4) {
				points = append(points, point{binary.LittleEndian.Uint32(four), s})
			}
		}
	}
	c := newCircle(points)
	return func(key string) *server {
		sum := md5.Sum([]byte(key))
		return c.of(binary.LittleEndian.Uint32(sum[:]))
	}
}

// pointName is what libmemcached hashes to place a server.
func (a address) pointName(i int) string {
	switch {
	case a.network == "unix":
		return fmt.Sprintf("%s:0-%d", a.host, i)
	case a.port == defaultPort:
		return fmt.Sprintf("%s-%d", a.host, i)
	}
	return fmt.Sprintf("%s:%s-%d", a.host, a.port, i)
}
