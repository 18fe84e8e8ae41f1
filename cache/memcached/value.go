package memcached

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zlib"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// The flags that python-memcached, pymemcache and pylibmc keep beside a value.
// Another is for numbers, which nothing here is.
const (
	flagPickle = 1 << 0
	flagZlib   = 1 << 3
)

// maxSession is how long a pickled session may be. It keeps a few bytes that
// decompress to a great many from filling the memory.
const maxSession = 16 << 20

// item is what Memcached keeps under a key.
type item struct {
	flags   uint32
	value   []byte
	cas     uint64
	expires time.Time // zero when it does not tell
}

// version is what a record was read from, or written as.
type version struct {
	cas        uint64 // Memcached's; zero when it has not said
	protocol   int    // of pickle
	compressed bool
	value      []byte // as written, where cas is zero
}

// record reads a value.
func (it item) record() (*cloakroom.Record, error) {
	pickled := it.value
	if it.flags&flagZlib != 0 {
		var err error
		if pickled, err = decompress(it.value); err != nil {
			return nil, corrupt(err)
		}
	}
	if it.flags&flagPickle == 0 {
		return nil, corrupt(fmt.Errorf("it is not pickled (flags %#x)", it.flags))
	}
	data, protocol, err := pickle.UnmarshalProtocol(pickled)
	if err != nil {
		return nil, corrupt(err)
	}
	return &cloakroom.Record{
		Data: data, Expires: it.expires, Size: len(it.value),
		Version: version{cas: it.cas, protocol: protocol, compressed: it.flags&flagZlib != 0},
	}, nil
}

// encode returns what is to be stored of a record: in the form of what it was
// read from, or of what Django writes.
func encode(r *cloakroom.Record) (flags uint32, now version, err error) {
	was, ok := r.Version.(version)
	if !ok {
		was.protocol = pickle.DefaultProtocol
	}
	now = version{protocol: was.protocol, compressed: was.compressed}
	if now.value, err = pickle.Marshal(r.Data, was.protocol); err != nil {
		return 0, version{}, err
	}
	if len(now.value) > maxSession {
		return 0, version{}, &cloakroom.Error{
			Kind: cloakroom.ErrTooLarge, Reason: tooLarge,
			Mend: fmt.Sprintf("keep less in the session: %d bytes are more than the %d that are read again", len(now.value), maxSession),
		}
	}
	if was.compressed {
		// Python's clients keep what compression makes longer as it is.
		if short := compress(now.value); len(short) < len(now.value) {
			now.value = short
			return flagPickle | flagZlib, now, nil
		}
	}
	return flagPickle, now, nil
}

func compress(value []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out) // level 6, as Python's
	_, _ = w.Write(value)     // a Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func decompress(value []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(value))
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, min(4*len(value), maxSession)))
	n, err := io.Copy(out, io.LimitReader(r, maxSession+1))
	switch {
	case err != nil:
		return nil, err
	case n > maxSession:
		return nil, fmt.Errorf("it decompresses to more than %d bytes", maxSession)
	}
	return out.Bytes(), nil
}

func corrupt(cause error) error { return fmt.Errorf("%w: %w", cloakroom.ErrCorrupt, cause) }

// holds reports that it is what v wrote.
func (it item) holds(v version) bool { return v.value != nil && bytes.Equal(it.value, v.value) }
