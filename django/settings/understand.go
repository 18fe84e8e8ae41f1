package settings

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom-go/cloakroom/django/settings/python"
)

// Each function here understands a value of one kind, and says what it should be
// where it is not.

func text(where string, v python.Value) (string, *problem) {
	if s, ok := v.(python.Str); ok {
		return string(s), nil
	}
	return "", wrongType(where, "a text", v)
}

func textOrNone(where string, v python.Value) (string, *problem) {
	if _, none := v.(python.None); none {
		return "", nil
	}
	return text(where, v)
}

func path(where string, v python.Value) (string, *problem) {
	if p, ok := python.PathOf(v); ok {
		return p, nil
	}
	if _, none := v.(python.None); none {
		return "", nil
	}
	return "", wrongType(where, "a path, as text", v)
}

func dotted(where string, v python.Value) (string, *problem) {
	s, p := text(where, v)
	if p == nil && !strings.Contains(s, ".") {
		return "", &problem{where, fmt.Sprintf("is %q", s), "it should be a dotted path, such as django.contrib.sessions.backends.db"}
	}
	return s, p
}

func yesNo(where string, v python.Value) (bool, *problem) {
	switch v := v.(type) {
	case python.Bool:
		return bool(v), nil
	case python.None:
		return false, nil
	case python.Int:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	}
	return false, wrongType(where, "True or False", v)
}

func seconds(where string, v python.Value) (time.Duration, *problem) {
	n, ok := float64(0), true
	switch v := v.(type) {
	case python.Int:
		n = float64(v)
	case python.Float:
		n = float64(v)
	default:
		ok = false
	}
	if !ok {
		return 0, wrongType(where, "a number of seconds", v)
	}
	if !(n >= 0 && n <= math.MaxInt64/float64(time.Second)) {
		return 0, &problem{where, "is " + strconv.FormatFloat(n, 'f', -1, 64), "it should be a number of seconds from 0 on"}
	}
	return time.Duration(n * float64(time.Second)), nil
}

func sameSite(where string, v python.Value) (string, *problem) {
	switch v := v.(type) {
	case python.None:
		return "", nil
	case python.Bool:
		if !v {
			return "", nil
		}
	case python.Str:
		if v == "" {
			return "", nil
		}
		for _, known := range []string{"Lax", "Strict", "None"} {
			if strings.EqualFold(string(v), known) {
				return known, nil
			}
		}
		return "", &problem{where, fmt.Sprintf("is %q", v), "it should be 'Lax', 'Strict', 'None' or False"}
	}
	return "", wrongType(where, "'Lax', 'Strict', 'None' or False", v)
}

func oneOf(known ...string) func(string, python.Value) (string, *problem) {
	return func(where string, v python.Value) (string, *problem) {
		s, p := text(where, v)
		if p == nil && !slices.Contains(known, s) {
			return "", &problem{where, fmt.Sprintf("is %q", s), "it should be one of " + strings.Join(known, ", ")}
		}
		return s, p
	}
}

func texts(where string, v python.Value) ([]string, *problem) {
	items, ok := python.Sequence(v)
	if !ok {
		return nil, wrongType(where, "a list of texts", v)
	}
	var all []string
	for i, item := range items {
		where := fmt.Sprintf("%s[%d]", where, i)
		switch item := item.(type) {
		case python.Str:
			all = append(all, string(item))
		case python.Bytes:
			all = append(all, string(item))
		case *python.Unknown:
			return nil, &problem{where, "cannot be known: " + item.Why, "write the value itself into the settings file"}
		default:
			return nil, wrongType(where, "a text", item)
		}
	}
	return all, nil
}

// plain is v in the values of JSON.
func plain(where string, v python.Value, depth int) (any, *problem) {
	if depth > maxDepth {
		return nil, &problem{where, "is nested too deep", "is it meant?"}
	}
	switch v := v.(type) {
	case python.None:
		return nil, nil
	case python.Bool:
		return bool(v), nil
	case python.Int:
		return int64(v), nil
	case python.Float:
		return float64(v), nil
	case python.Str:
		return string(v), nil
	case python.Bytes:
		return string(v), nil
	case python.Path:
		return string(v), nil
	case *python.Dict:
		all := map[string]any{}
		for _, item := range v.Items() {
			key, ok := item.Key.(python.Str)
			if !ok {
				return nil, wrongType("a key of "+where, "a text", item.Key)
			}
			one, p := plain(fmt.Sprintf("%s['%s']", where, key), item.Value, depth+1)
			if p != nil {
				return nil, p
			}
			all[string(key)] = one
		}
		return all, nil
	}
	items, ok := python.Sequence(v)
	if !ok {
		return nil, wrongType(where, "a text, a number, a list or a dictionary", v)
	}
	all := []any{}
	for i, item := range items {
		one, p := plain(fmt.Sprintf("%s[%d]", where, i), item, depth+1)
		if p != nil {
			return nil, p
		}
		all = append(all, one)
	}
	return all, nil
}

func options(where string, v python.Value) (map[string]any, *problem) {
	if _, none := v.(python.None); none {
		return nil, nil
	}
	if _, ok := v.(*python.Dict); !ok {
		return nil, wrongType(where, "a dictionary", v)
	}
	all, p := plain(where, v, 0)
	if p != nil {
		return nil, p
	}
	return all.(map[string]any), nil
}
