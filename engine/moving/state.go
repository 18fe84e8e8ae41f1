package moving

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// state is what a session was like at some time: enough to tell whether anybody
// changed it since. What differs in type alone, as a tuple from a list, is alike.
type state struct {
	data    [16]byte
	expires int64 // in Unix seconds; 0 where nobody knows
}

// rounding is how far back ends are off when they tell an expiry.
const rounding = 2 // seconds

func stateOf(r *cloakroom.Record) state {
	h := sha256.New()
	put(h, r.Data)
	var s state
	copy(s.data[:], h.Sum(nil))
	if !r.Expires.IsZero() {
		s.expires = r.Expires.Unix()
	}
	return s
}

// like reports whether nobody made s of other, or other of s.
func (s state) like(other state) bool {
	off := s.expires - other.expires
	known := s.expires != 0 && other.expires != 0
	return s.data == other.data && (!known || -rounding <= off && off <= rounding)
}

// hasRunOut reports whether back ends may have let it expire by now.
func (s state) hasRunOut() bool {
	return s.expires != 0 && s.expires <= time.Now().Unix()+rounding
}

// put writes a value so that different ones are written differently, but for
// those that JSON writes alike: a time is its text, and bytes are their base64.
func put(h hash.Hash, v any) {
	switch v := v.(type) {
	case cloakroom.Value:
		put(h, v.Plain())
	case nil:
		token(h, 'n', nil)
	case bool:
		token(h, 'b', fmt.Append(nil, v))
	case int64:
		token(h, 'i', fmt.Append(nil, v))
	case *big.Int:
		token(h, 'i', fmt.Append(nil, v))
	case float64:
		token(h, 'f', binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
	case string:
		token(h, 's', []byte(v))
	case []byte:
		token(h, 's', base64.StdEncoding.AppendEncode(nil, v))
	case time.Time:
		token(h, 's', isoformat(v))
	case []any:
		token(h, 'l', fmt.Append(nil, len(v)))
		for _, member := range v {
			put(h, member)
		}
	case map[string]any:
		token(h, 'd', fmt.Append(nil, len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			token(h, 's', []byte(name))
			put(h, v[name])
		}
	default: // nothing that an engine keeps
		token(h, '?', fmt.Appendf(nil, "%T", v))
	}
}

func token(h hash.Hash, kind byte, text []byte) {
	_, _ = h.Write(append(binary.AppendUvarint([]byte{kind}, uint64(len(text))), text...)) // never fails
}

// isoformat is what Python's datetime.isoformat gives.
func isoformat(t time.Time) []byte {
	text := t.AppendFormat(nil, "2006-01-02T15:04:05.000000-07:00")
	return bytes.Replace(text, []byte(".000000"), nil, 1)
}
