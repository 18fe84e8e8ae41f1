package memcached

import (
	"hash/crc32"
	"math/bits"

	"github.com/cloakroom-go/cloakroom"
)

// Placement is how several servers share the keys: each of Python's clients has
// a way of its own, and finds no session where another put it.
type Placement int

const (
	// PythonMemcached is that of django.core.cache.backends.memcached.MemcachedCache.
	PythonMemcached Placement = iota
	// PyMemcache is that of django.core.cache.backends.memcached.PyMemcacheCache.
	// It goes by the names of the servers, so they have to be written as in
	// Django's LOCATION: localhost and 127.0.0.1 are two.
	PyMemcache
	// PyLibMC is that of django.core.cache.backends.memcached.PyLibMCCache.
	PyLibMC
	// PyLibMCKetama is that of PyLibMCCache with "ketama" among the behaviors in
	// its OPTIONS. Like the next it goes by the names of the servers.
	PyLibMCKetama
	// PyLibMCKetamaWeighted is that of PyLibMCCache with "ketama_weighted" among
	// the behaviors, and servers of equal weight.
	PyLibMCKetamaWeighted
)

// on returns which of the servers has a key.
func (p Placement) on(ring []*server) (func(key string) *server, error) {
	byHash := func(hash func(string) uint32) func(string) *server {
		return func(key string) *server { return ring[hash(key)%uint32(len(ring))] }
	}
	switch p {
	case PythonMemcached:
		return byHash(crcHash), nil
	case PyLibMC:
		return byHash(oneAtATime), nil
	case PyLibMCKetama:
		return ketama(ring), nil
	case PyLibMCKetamaWeighted:
		return weightedKetama(ring), nil
	case PyMemcache:
		return rendezvous(ring), nil
	}
	return nil, &cloakroom.Error{
		Kind: cloakroom.ErrConfig, Reason: "there is no such placement",
		Mend: "choose the one of the Python client that Django uses",
	}
}

// crcHash is cmemcache_hash of python-memcached.
func crcHash(key string) uint32 {
	return max(crc32.ChecksumIEEE([]byte(key))>>16&0x7fff, 1)
}

// oneAtATime is Bob Jenkins's hash, the default of libmemcached. It takes bytes
// for signed numbers, as C compilers on most machines do.
func oneAtATime(key string) uint32 {
	var h uint32
	for _, b := range []byte(key) {
		h += uint32(int8(b))
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	return h + h<<15
}

// rendezvous is RendezvousHash of pymemcache: every server has a score for a
// key, and the highest wins.
func rendezvous(ring []*server) func(key string) *server {
	names := make([]string, len(ring))
	for i, s := range ring {
		names[i] = s.name()
	}
	return func(key string) *server {
		winner, high := 0, uint32(0)
		for i, name := range names {
			score := murmur3(name + "-" + key)
			if score > high || score == high && name > names[winner] {
				winner, high = i, score
			}
		}
		return ring[winner]
	}
}

// murmur3 is Austin Appleby's MurmurHash3 for 32 bits, of the low bytes of
// characters: those that pymemcache takes.
func murmur3(text string) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	data := make([]byte, 0, 128)
	for _, char := range text {
		data = append(data, byte(char))
	}
	length := uint32(len(data))
	var h uint32
	for ; len(data) >= 4; data = data[4:] {
		k := uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24
		h ^= bits.RotateLeft32(k*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	var k uint32
	for i := len(data) - 1; i >= 0; i-- {
		k = k<<8 | uint32(data[i])
	}
	h ^= bits.RotateLeft32(k*c1, 15) * c2
	h ^= length
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
