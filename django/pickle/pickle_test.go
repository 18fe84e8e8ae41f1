package pickle_test

import (
	"fmt"
	"math"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// same compares plain values: NaN is itself, and so are equal big integers and
// times.
var same = cmp.Options{
	cmpopts.EquateNaNs(),
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 }),
}

// plain takes every Raw in a session apart.
func plain(session map[string]any) map[string]any {
	return cloakroom.Plain(session).(map[string]any)
}

// What Go writes reads the same, from every protocol, untouched or taken apart.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := sessions().Draw(t, "session")
		protocol := rapid.IntRange(0, pickle.DefaultProtocol).Draw(t, "protocol")
		session := want
		for range 2 {
			data, err := pickle.Marshal(session, protocol)
			if err != nil {
				t.Fatal(err)
			}
			var written int
			if session, written, err = pickle.UnmarshalProtocol(data); err != nil || written != protocol {
				t.Fatalf("protocol %d: %v", written, err)
			}
			if diff := cmp.Diff(want, plain(session), same); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
		}
		tagged, err := pickle.Tag(want)
		if err != nil {
			t.Fatal(err)
		}
		fromRaw, err := pickle.Tag(session)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tagged, fromRaw); diff != "" {
			t.Fatalf("tagged: (-want +got)\n%s", diff)
		}
		untagged, err := pickle.Untag(tagged)
		if err != nil {
			t.Fatal(err)
		}
		data, err := pickle.Marshal(untagged, protocol)
		if err != nil {
			t.Fatal(err)
		}
		if session, err = pickle.Unmarshal(data); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, plain(session), same); diff != "" {
			t.Fatalf("untagged: (-want +got)\n%s", diff)
		}
	})
}

// sessions generates dictionaries of plain values.
func sessions() *rapid.Generator[map[string]any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
		rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.Custom(func(t *rapid.T) *big.Int {
			i := big.NewInt(rapid.Int64Range(1, math.MaxInt64).Draw(t, "big"))
			i.Lsh(i, rapid.UintRange(64, 500).Draw(t, "shift"))
			if rapid.Bool().Draw(t, "negative") {
				i.Neg(i)
			}
			return i
		}).AsAny(),
		rapid.Custom(func(t *rapid.T) time.Time {
			return time.UnixMicro(rapid.Int64Range(-62135596800e6, 253402300799e6).Draw(t, "µs")).UTC()
		}).AsAny(),
	)
	return rapid.MapOf(rapid.String(), containers(scalar, 3))
}

func containers(scalar *rapid.Generator[any], depth int) *rapid.Generator[any] {
	if depth == 0 {
		return scalar
	}
	inner := containers(scalar, depth-1)
	return rapid.OneOf(
		scalar,
		rapid.SliceOfN(inner, 0, 4).AsAny(),
		rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny(),
	)
}

// Parts of two sessions may be written as one, as after a merge.
func TestMarshalOfSeveral(t *testing.T) {
	t.Parallel()
	first, err := pickle.Unmarshal([]byte("\x80\x02}(X\x01\x00\x00\x00a](K\x01K\x02eK\x05X\x01\x00\x00\x00xu."))
	if err != nil {
		t.Fatal(err)
	}
	second, err := pickle.Unmarshal([]byte("\x80\x02}(X\x01\x00\x00\x00b](K\x03K\x04eX\x01\x00\x00\x00c)u."))
	if err != nil {
		t.Fatal(err)
	}
	first["b"], first["c"] = second["b"], []any{second["b"], first["a"]}
	for protocol := range 6 {
		data, err := pickle.Marshal(first, protocol)
		if err != nil {
			t.Fatal(err)
		}
		session, err := pickle.Unmarshal(data)
		if err != nil {
			t.Fatal(err)
		}
		a, b := []any{int64(1), int64(2)}, []any{int64(3), int64(4)}
		want := map[string]any{"a": a, "b": b, "c": []any{b, a}, pickle.OtherKeys: map[string]any{"5": "x"}}
		if diff := cmp.Diff(want, plain(session)); diff != "" {
			t.Errorf("protocol %d: (-want +got)\n%s", protocol, diff)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	for _, pickled := range horizon(t) {
		session, err := pickle.Unmarshal(pickled)
		if err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				plain(session)["token"].(map[string]any)["user"] = "somebody else"
				if _, err := pickle.Marshal(session, 5); err != nil {
					t.Error(err)
				}
				if _, err := pickle.Tag(session); err != nil {
					t.Error(err)
				}
			})
		}
		readers.Wait()
	}
}

func TestUntagRefuses(t *testing.T) {
	t.Parallel()
	for _, tagged := range []any{
		[]any{},
		"text", nil, tag("tuple", []any{}), tag("unknown", nil),
		map[string]any{"a": tag("int", "1.5")},
		map[string]any{"a": tag("float", "x")},
		map[string]any{"a": tag("bytes", "?")},
		map[string]any{"a": tag("tuple", "x")},
		map[string]any{"a": tag("dict", []any{[]any{int64(1)}})},
		map[string]any{"a": tag("datetime", "today")},
		map[string]any{"a": tag("uuid", "00")},
		map[string]any{"a": tag("timedelta", []any{})},
		map[string]any{"a": tag("object", map[string]any{"args": []any{}})},
		map[string]any{"a": tag("object", map[string]any{"class": "m.C", "unknown": nil})},
		map[string]any{"a": tag("object", map[string]any{"class": int64(1)})},
		map[string]any{"a": make(chan int)},
	} {
		if session, err := pickle.Untag(tagged); err == nil {
			t.Errorf("%v: %v", tagged, session)
		}
	}
}

func tag(name string, v any) map[string]any { return map[string]any{"$" + name: v} }

func ExampleUnmarshal() {
	session, err := pickle.Unmarshal([]byte("\x80\x04}(\x8c\x01n\x94K\x29\x8c\x04pair\x94K\x01K\x02\x86\x94u."))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(session["n"], session["pair"].(pickle.Raw).Plain())

	session["n"] = int64(42)
	data, err := pickle.Marshal(session, 4)
	fmt.Printf("%q %v\n", data, err)
	// Output:
	// 41 [1 2]
	// "\x80\x04\x95\x18\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01n\x94K*\x8c\x04pair\x94K\x01K\x02\x86\x94u." <nil>
}

func ExampleUntag() {
	session, err := pickle.Untag(map[string]any{
		"pair": map[string]any{"$tuple": []any{int64(1), int64(2)}}, // which Go has no type for
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pickle.Tag(session))
	// Output: map[pair:map[$tuple:[1 2]]] <nil>
}
