package redis

import (
	"crypto/tls"

	"github.com/cloakroom-go/cloakroom/engine/cache"
)

// Option changes how [Open] and [New] set a Cache up.
type Option func(*options)

type options struct {
	wire wire
	keys []cache.Option
	tls  *tls.Config
}

func chosen(all []Option) options {
	var o options
	for _, option := range all {
		option(&o)
	}
	return o
}

// WithKeys changes the keys that [Open] keeps sessions under: Django's
// KEY_PREFIX and VERSION.
func WithKeys(keys ...cache.Option) Option {
	return func(o *options) { o.keys = append(o.keys, keys...) }
}

// WithSerializer has sessions written by s: give it the SERIALIZER of
// django-redis, which reads no other. Every Cache reads all of them. Without it
// a session is written by what it was read with, and a new one as [Pickle].
func WithSerializer(s Serializer) Option { return func(o *options) { o.wire.serializer = s } }

// WithPickleProtocol has pickles written in that protocol, 0 to 5: the
// PICKLE_VERSION of django-redis. Python 2 reads up to 2, Python before 3.8 up
// to 4. Without it a session is written in what it was read in, and a new one in
// 4, as django-redis does.
func WithPickleProtocol(n int) Option { return func(o *options) { o.wire.protocol = &n } }

// WithCompressor has sessions compressed by c: the COMPRESSOR of django-redis,
// which reads no other, though always what is not compressed. Every Cache reads
// all of them. Without it a session is compressed as it was when it was read,
// and a new one is not.
func WithCompressor(c Compressor) Option { return func(o *options) { o.wire.compressor = c } }

// WithTLS has connections encrypted that way, whatever the address says.
func WithTLS(config *tls.Config) Option { return func(o *options) { o.tls = config } }
