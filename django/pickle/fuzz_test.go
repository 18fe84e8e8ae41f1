package pickle_test

import (
	"bytes"
	"errors"
	"reflect"
	"runtime/metrics"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// Whatever comes in: no panic, memory and output linear in it, and what is read
// is written, in every protocol, as what reads the same.
func FuzzUnmarshal(f *testing.F) {
	for _, r := range corpus(f) {
		f.Add(r.Pickle)
	}
	for _, pickled := range horizon(f) {
		f.Add(pickled)
	}
	for _, pickled := range hostile {
		f.Add([]byte(pickled.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		session, _, err := pickle.UnmarshalProtocol(data)
		if grown := allocated() - before; grown > 1<<20+512*uint64(len(data)) {
			t.Errorf("%d bytes allocated for %d", grown, len(data))
		}
		if err != nil {
			return
		}
		for _, v := range session {
			if v, ok := v.(cloakroom.Value); ok {
				v.Plain()
			}
		}
		tagged, tagErr := pickle.Tag(session)
		for protocol := range 6 {
			written, err := pickle.Marshal(session, protocol)
			if err != nil {
				if protocol >= 4 || !errors.Is(err, cloakroom.ErrUnencodable) {
					t.Fatalf("protocol %d: %v", protocol, err)
				}
				continue
			}
			if len(written) > 1<<10+512*len(data) {
				t.Errorf("protocol %d: %d bytes became %d", protocol, len(data), len(written))
			}
			back, err := pickle.Unmarshal(written)
			if err != nil {
				t.Fatalf("protocol %d: %v", protocol, err)
			}
			// Calls in the place of an opcode that the protocol lacks have parts
			// that are remembered from the second time on.
			again := rewrite(t, written, protocol)
			if third := rewrite(t, again, protocol); !bytes.Equal(again, third) {
				t.Fatalf("protocol %d:\n%q\n%q", protocol, again, third)
			}
			// Before, some classes can only be written as calls of others.
			if protocol >= 4 && tagErr == nil {
				if taggedBack, err := pickle.Tag(back); err != nil || !reflect.DeepEqual(tagged, taggedBack) {
					t.Fatalf("protocol %d: %v\nwant %v\n got %v", protocol, err, tagged, taggedBack)
				}
			}
		}
		if tagErr != nil {
			return
		}
		untagged, err := pickle.Untag(tagged)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := pickle.Tag(untagged); err != nil || !reflect.DeepEqual(tagged, again) {
			t.Fatalf("%v\nwant %v\n got %v", err, tagged, again)
		}
	})
}

// rewrite returns what is written, read and written again.
func rewrite(t *testing.T, written []byte, protocol int) []byte {
	t.Helper()
	session, err := pickle.Unmarshal(written)
	if err != nil {
		t.Fatalf("protocol %d: %v", protocol, err)
	}
	again, err := pickle.Marshal(session, protocol)
	if err != nil {
		t.Fatalf("protocol %d: %v", protocol, err)
	}
	return again
}

// allocated is how many bytes this process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
