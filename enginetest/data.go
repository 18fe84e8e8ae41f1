package enginetest

import (
	"maps"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// everyKind has every plain kind that all serializers know.
func everyKind() map[string]any {
	big1, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	return map[string]any{
		"nil": nil, "true": true, "false": false,
		"zero": int64(0), "int64 max": int64(math.MaxInt64), "int64 min": int64(math.MinInt64),
		"big": big1, "big negative": new(big.Int).Neg(big1),
		"float": 1.5, "whole float": 2.0, "float max": math.MaxFloat64,
		"float least": math.SmallestNonzeroFloat64, "tenth": 0.1, "minus infinity": math.Inf(-1),
		"empty": "", "quotes": `'"\ <&>`, "lines": "a\r\nb\tc", "NUL": "a\x00b",
		"accents": "Žluťoučký kůň", "emoji": "🎫", "separators": "\u2028\u2029\u007f\ufeff",
		"list":       []any{nil, int64(1), "two", []any{}, map[string]any{"deep": []any{[]any{3.5}}}},
		"map":        map[string]any{"": "empty name", "a\x00": int64(1), "🎫": map[string]any{}},
		"empty list": []any{}, "empty map": map[string]any{},
		"": "no name", "name\x00with NUL": true, "名前": "unicode name",
	}
}

func roundTrip(s *stage) {
	for name, data := range map[string]map[string]any{
		"every kind": everyKind(), "empty": {}, "nil": nil,
	} {
		r := s.create(data, time.Hour)
		if diff := difference(data, s.load(r.Key).Data); diff != "" {
			s.Errorf("%s, created: comes back as another (-want +got):\n%s", name, diff)
		}
		if err := s.save(r, data); err != nil {
			s.Fatalf("%s: Save: %v", name, err)
		}
		if diff := difference(data, s.load(r.Key).Data); diff != "" {
			s.Errorf("%s, saved: comes back as another (-want +got):\n%s", name, diff)
		}
	}
	data := everyKind()
	r := s.create(data, time.Hour)
	got := s.load(r.Key)
	if got.Key != r.Key {
		s.Errorf("Load's record has another key than was asked for")
	}
	if diff := difference(everyKind(), data); diff != "" {
		s.Errorf("the engine wrote to the data it was handed (-before +after):\n%s", diff)
	}
}

func roundTripTimesAndBytes(s *stage) {
	data := map[string]any{
		"time":        time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC),
		"microsecond": time.Date(2031, 2, 3, 4, 5, 6, 789_000, time.UTC),
		"zone":        time.Date(2031, 2, 3, 4, 5, 6, 0, time.FixedZone("", 5*3600+1800)),
		"bytes":       []byte("\x00\xff\x80"),
		"no bytes":    []byte{},
	}
	s.holds(s.create(data, time.Hour).Key, data)
}

func roundTripLarge(s *stage) {
	data := map[string]any{"large": strings.Repeat("ticket 🎫 ", 20_000)}
	s.holds(s.create(data, time.Hour).Key, data)
}

// untouchedData: a request that changes one key gives back all others as they
// were, in whatever form the engine handed them out.
func untouchedData(s *stage) {
	r := s.load(s.create(everyKind(), time.Hour).Key)
	for round := range int64(3) {
		data := maps.Clone(r.Data)
		data["changed"] = round
		if err := s.save(r, data); err != nil {
			s.Fatalf("Save: %v", err)
		}
		want := everyKind()
		want["changed"] = round
		s.holds(r.Key, want)
		r = s.load(r.Key)
	}
}

// snapshots: a loaded record stays as it was loaded.
func snapshots(s *stage) {
	r := s.create(everyKind(), time.Hour)
	first := s.load(r.Key)
	if err := s.save(r, map[string]any{"other": int64(1)}); err != nil {
		s.Fatalf("Save: %v", err)
	}
	second := s.load(r.Key)
	s.delete(r.Key)
	if diff := difference(everyKind(), first.Data); diff != "" {
		s.Errorf("a later save changed a loaded record (-want +got):\n%s", diff)
	}
	if diff := difference(map[string]any{"other": int64(1)}, second.Data); diff != "" {
		s.Errorf("a later delete changed a loaded record (-want +got):\n%s", diff)
	}
}

// unencodable: what cannot be stored is refused, and changes nothing.
func unencodable(s *stage) {
	bad := map[string]any{"channel": make(chan int)}
	err := s.engine.Create(s.Context(), &cloakroom.Record{Data: bad, Expires: time.Now().Add(time.Hour)})
	s.is("Create", err, cloakroom.ErrUnencodable)
	r := s.create(map[string]any{"n": int64(1)}, time.Hour)
	s.is("Save", s.save(r, bad), cloakroom.ErrUnencodable)
	s.holds(r.Key, r.Data)
}
