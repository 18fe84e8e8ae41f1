package locmem

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// snapshot is a session's dictionary as it was saved once. Its address is the
// version: while anybody holds it, no other snapshot has the same.
type snapshot struct {
	data map[string]any
	size int
}

func (s *snapshot) record(expires time.Time) *cloakroom.Record {
	return &cloakroom.Record{Data: s.data, Expires: expires, Version: s, Size: s.size}
}

// keep makes a snapshot of what is to be written.
func (c *Cache) keep(ctx context.Context, key string, r *cloakroom.Record) (*snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, err := size(r.Data)
	if err != nil {
		return nil, err
	}
	n += entrySize + len(key)
	if int64(n) > c.maxBytes {
		return nil, &cloakroom.Error{
			Kind:   cloakroom.ErrTooLarge,
			Reason: fmt.Sprintf("it takes about %d bytes", n),
			Mend:   fmt.Sprintf("keep less in the session, or raise MaxBytes from %d", c.maxBytes),
		}
	}
	return &snapshot{data: r.Data, size: n}, nil
}

// What things take in memory on a 64-bit machine, rounded. Go's maps have room
// for eight members at once, and are two thirds full on average after that.
const (
	entrySize = 160 // with its places in the map and the heap
	mapSize   = 48
	slotSize  = 33 // a name, a value and a byte of the map's own
	valueSize = 16
)

// size is about how many bytes v takes beside its own place.
func size(v any) (int, error) {
	switch v := v.(type) {
	case nil, bool:
		return 0, nil
	case int64, float64:
		return 8, nil
	case string:
		return valueSize + len(v), nil
	case []byte:
		return 24 + len(v), nil
	case time.Time:
		return 24, nil
	case *big.Int:
		return 32 + v.BitLen()/8, nil
	case []any:
		total := 24 + valueSize*len(v)
		for _, member := range v {
			n, err := size(member)
			if err != nil {
				return 0, err
			}
			total += n
		}
		return total, nil
	case map[string]any:
		total := mapSize
		if len(v) > 0 {
			total += slotSize * max(8, len(v)*3/2)
		}
		for name, member := range v {
			n, err := size(member)
			if err != nil {
				return 0, err
			}
			total += len(name) + n
		}
		return total, nil
	case cloakroom.Value:
		return size(v.Plain())
	default:
		return 0, &cloakroom.Error{
			Kind:   cloakroom.ErrUnencodable,
			Reason: fmt.Sprintf("it is of type %T", v),
			Mend:   "keep plain values in the session",
		}
	}
}
