package pyjson_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
)

// same compares plain values: NaN is itself, and so are equal big integers.
var same = cmp.Options{
	cmpopts.EquateNaNs(),
	cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 }),
}

// plain takes every Raw in a dictionary apart.
func plain(session map[string]any) map[string]any {
	return cloakroom.Plain(session).(map[string]any)
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	huge, _ := new(big.Int).SetString("10000000000000000000000000000000000000000", 10)
	prague := time.FixedZone("", 3600)
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{huge, `10000000000000000000000000000000000000000`},
		{(*big.Int)(nil), `null`},
		{0.0, `0.0`},
		{math.Copysign(0, -1), `-0.0`},
		{1e15, `1000000000000000.0`},
		{1e16, `1e+16`},
		{0.0001, `0.0001`},
		{0.00001, `1e-05`},
		{5e-324, `5e-324`},
		{math.MaxFloat64, `1.7976931348623157e+308`},
		{math.NaN(), `NaN`},
		{math.Inf(1), `Infinity`},
		{math.Inf(-1), `-Infinity`},
		{"a\"\\/\b\f\n\r\t\x00\x7f", `"a\"\\/\b\f\n\r\t\u0000\u007f"`},
		{"é日😀", `"\u00e9\u65e5\ud83d\ude00"`},
		{"half \xed\xa0\xbd pair", `"half \ud83d pair"`},
		{[]byte{0, 255}, `"AP8="`},
		{time.Date(2031, 1, 1, 0, 0, 0, 999, time.UTC), `"2031-01-01T00:00:00+00:00"`},
		{time.Date(2031, 1, 1, 0, 0, 0, 1999, prague), `"2031-01-01T00:00:00.000001+01:00"`},
		{time.Date(2031, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3601)), `"2031-01-01T00:00:00+01:00:01"`},
		{[]any{}, `[]`},
		{map[string]any{"b": int64(1), "a": []any{nil, false}}, `{"a":[null,false],"b":1}`},
		{pyjson.Raw{}, `null`},
		{seconds(3), `3`},
	} {
		got, err := pyjson.Marshal(c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("Marshal(%#v) = %s, %v; want %s", c.value, got, err, c.want)
		}
	}
}

// seconds is a value that another engine keeps in a form of its own.
type seconds int64

func (s seconds) Plain() any { return int64(s) }

func TestMarshalRefuses(t *testing.T) {
	t.Parallel()
	cycle := []any{nil}
	cycle[0] = cycle
	for name, v := range map[string]any{
		"a channel":        make(chan int),
		"no UTF-8":         "\xff",
		"half a surrogate": "\xed\xa0",
		"a name, no UTF-8": map[string]any{"\xff": nil},
		"a cycle":          cycle,
		"the year 10000":   time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"4301 digits":      new(big.Int).Exp(big.NewInt(10), big.NewInt(4300), nil),
		"a million bits":   new(big.Int).Lsh(big.NewInt(1), 1_000_000),
	} {
		if _, err := pyjson.Marshal(v); !errors.Is(err, cloakroom.ErrUnencodable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want any
	}{
		{`null`, nil},
		{`-0`, int64(0)},
		{`-9223372036854775808`, int64(math.MinInt64)},
		{`9223372036854775808`, new(big.Int).Lsh(big.NewInt(1), 63)},
		{`-0.0`, math.Copysign(0, -1)},
		{`1E+2`, 100.0},
		{`1e999`, math.Inf(1)},
		{`NaN`, math.NaN()},
		{`-Infinity`, math.Inf(-1)},
		{`"\ud83d\ude00\/"`, "😀/"},
		{`"\ud83d\ud83d\ude00"`, "\xed\xa0\xbd😀"},
		{`"\ud83dx"`, "\xed\xa0\xbdx"},
		{`"\ude00"`, "\xed\xb8\x80"},
		{"\"\xe9\"", "é"},
		{`[]`, []any{}},
		{` { "a" : [ 1 , { } ] , "a" : 2 } `, map[string]any{"a": int64(2)}},
	} {
		got, err := pyjson.Unmarshal([]byte(`{"first":1,"v":` + c.text + `}`))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if diff := cmp.Diff(map[string]any{"first": int64(1), "v": c.want}, plain(got), same); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.text, diff)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `[]`, `null`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{a:1}`, `{"a" 1}`, `{} {}`,
		`{"a":[1,]}`, `{"a":[1}`, `{"a":01}`, `{"a":1.}`, `{"a":1e}`, `{"a":-}`, `{"a":+1}`, `{"a":nul}`, `{"a":-NaN}`,
		`{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\ud83d\u12"}`, `{"a":"` + "\n" + `"}`, `{"a":"é` + "\n" + `"}`, `{"a":"`, `{"a":"\`,
		`{"a":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + `}`,
		`{"a":` + strings.Repeat(`{"b":`, 100_000) + `}`,
		`{"a":` + strings.Repeat("1", 4301) + `}`,
		"\ufeff{}",
	} {
		if got, err := pyjson.Unmarshal([]byte(text)); err == nil {
			t.Errorf("%.40q: %v", text, got)
		}
	}
}

func TestErrorsHoldNoContent(t *testing.T) {
	t.Parallel()
	_, err := pyjson.Unmarshal([]byte(`{"password":"hunter2\x"}`))
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "password") {
		t.Errorf("error %q", err)
	}
}

// What nobody touches goes back byte for byte, spaces and order included.
func TestUntouchedGoesBack(t *testing.T) {
	t.Parallel()
	const text = `{"list":[1.50, "\u0041"],"token":{"z":1,"a":"\ud800"}}`
	session, err := pyjson.Unmarshal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := pyjson.Marshal(session)
	if err != nil || string(got) != text {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := sessions().Draw(t, "session")
		text, err := pyjson.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pyjson.Unmarshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, plain(got), same); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
		for i := range text {
			if text[i] >= 0x80 {
				t.Fatalf("not ASCII: %s", text)
			}
		}
	})
}

// sessions generates dictionaries of the values that JSON has.
func sessions() *rapid.Generator[map[string]any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
		rapid.Custom(func(t *rapid.T) *big.Int {
			i := big.NewInt(rapid.Int64Range(1, math.MaxInt64).Draw(t, "big"))
			return i.Lsh(i, rapid.UintRange(64, 500).Draw(t, "shift"))
		}).AsAny(),
	)
	nested := rapid.Deferred(func() *rapid.Generator[any] { return containers(scalar, 3) })
	return rapid.MapOf(rapid.String(), rapid.OneOf(scalar, nested))
}

func containers(scalar *rapid.Generator[any], depth int) *rapid.Generator[any] {
	inner := scalar
	if depth > 0 {
		inner = rapid.OneOf(scalar, containers(scalar, depth-1))
	}
	return rapid.OneOf(
		rapid.SliceOfN(inner, 0, 4).AsAny(),
		rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny(),
	)
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"a":[1,-0.5e3,{"b":"\ud83d\ude00\ud800"}],"n":NaN,"i":10000000000000000000000}`))
	f.Add([]byte("{\"\xe9\":\"\\u00e9\", \"d\":1,\"d\":[[]]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		session, err := pyjson.Unmarshal(text)
		if err != nil {
			return
		}
		again, err := pyjson.Marshal(session)
		if err != nil {
			t.Fatal(err)
		}
		back, err := pyjson.Unmarshal(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if diff := cmp.Diff(plain(session), plain(back), same); diff != "" {
			t.Fatal(diff)
		}
		built, err := pyjson.Marshal(plain(session))
		if err != nil {
			t.Fatal(err)
		}
		if back, err = pyjson.Unmarshal(built); err != nil {
			t.Fatalf("%s: %v", built, err)
		}
		if diff := cmp.Diff(plain(session), plain(back), same); diff != "" {
			t.Fatal(diff)
		}
	})
}

func ExampleUnmarshal() {
	session, err := pyjson.Unmarshal([]byte(`{"n": 41, "cart": {"tea": 2, "milk": 1}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	session["n"] = session["n"].(int64) + 1
	text, err := pyjson.Marshal(session)
	fmt.Printf("%s %v\n", text, err)
	// Output: {"cart":{"tea": 2, "milk": 1},"n":42} <nil>
}
