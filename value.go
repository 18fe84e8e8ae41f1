package cloakroom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
)

// maxDepth bounds how deep values may nest, so that one that holds itself ends
// in an error.
const maxDepth = 500

var errTooDeep = errors.New("it nests too deep, or holds itself")

// normalize returns v as a plain value or a [Value], sharing nothing with v
// that somebody could still write to. What is neither goes through
// encoding/json, so that Django can read it too.
func normalize(v any) (any, error) { return normalizeAt(v, 0) }

func normalizeAt(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	switch v := v.(type) {
	case nil, bool, string, int64, float64, Value:
		return v, nil
	case time.Time:
		return v.Round(0), nil // without the monotonic clock, which nothing stores
	case int:
		return int64(v), nil
	case int8, int16, int32:
		return reflect.ValueOf(v).Int(), nil
	case uint, uint8, uint16, uint32, uint64, uintptr:
		return fromUint(reflect.ValueOf(v).Uint()), nil
	case float32:
		return float64(v), nil
	case *big.Int:
		if v == nil {
			return nil, nil
		}
		return fromBig(v), nil
	case []byte:
		return slices.Clone(v), nil
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			var err error
			if list[i], err = normalizeAt(item, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		dict := make(map[string]any, len(v))
		for name, item := range v {
			var err error
			if dict[name], err = normalizeAt(item, depth+1); err != nil {
				return nil, err
			}
		}
		return dict, nil
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("a %T: %w", v, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return nil, fmt.Errorf("a %T: %w", v, err)
	}
	return fromJSON(decoded), nil
}

func fromUint(n uint64) any {
	if n <= math.MaxInt64 {
		return int64(n)
	}
	return new(big.Int).SetUint64(n)
}

func fromBig(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return new(big.Int).Set(n)
}

// fromJSON turns the numbers of a freshly decoded JSON value into plain ones,
// in place.
func fromJSON(v any) any {
	switch v := v.(type) {
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			if n, ok := new(big.Int).SetString(string(v), 10); ok {
				return fromBig(n)
			}
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = fromJSON(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = fromJSON(v[name])
		}
	}
	return v
}

// Plain returns v with every [Value] in it made plain, in a copy that shares nothing
// with v that can be written to. Of what is not listed at [Record.Data] it returns
// what it is given.
func Plain(v any) any {
	switch v := v.(type) {
	case Value:
		return v.Plain()
	case *big.Int:
		return new(big.Int).Set(v)
	case []byte:
		return slices.Clone(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = Plain(v[i])
		}
		return list
	case map[string]any:
		dict := make(map[string]any, len(v))
		for name := range v {
			dict[name] = Plain(v[name])
		}
		return dict
	}
	return v
}

// as returns v as a T, or not at all: 1.5 is no int, and a list is no string. A
// T that is not plain goes through encoding/json, with what that does: []byte
// is read from base64, and an integer inside of an any is a float64.
func as[T any](v any) (T, bool) {
	var out T
	switch target := any(&out).(type) {
	case *any:
		*target = Plain(v)
		return out, true
	case *int:
		if n, ok := v.(int64); ok && int64(int(n)) == n {
			*target = int(n)
			return out, true
		}
	case *Value:
		*target, _ = v.(Value)
		return out, *target != nil
	}
	if _, isValue := any(out).(Value); isValue {
		out, ok := v.(T)
		return out, ok
	}
	plain := Plain(v)
	if out, ok := plain.(T); ok {
		return out, true
	}
	if plain == nil {
		switch reflect.TypeFor[T]().Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
			return out, true
		}
		return out, false
	}
	if _, isBytes := plain.([]byte); isBytes {
		return out, false // JSON would make them a text
	}
	encoded, err := json.Marshal(plain)
	if err != nil || json.Unmarshal(encoded, &out) != nil {
		var zero T
		return zero, false
	}
	return out, true
}
