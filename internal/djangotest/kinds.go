package djangotest

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// kind is a kind of value, as Python has it and as Go has it.
type kind struct {
	name   string
	python Python
	golang func() any // nil when Go has no type for it
	always bool       // every serializer keeps it
}

var kinds = []kind{
	{"str", `"Ada"`, is("Ada"), true},
	{"empty str", `""`, is(""), true},
	{"unicode", `"žluťoučký 日本語 😀"`, is("žluťoučký 日本語 😀"), true},
	{"odd str", `"'\"\\\0\r\n\u2028<&>"`, is("'\"\\\x00\r\n\u2028<&>"), true},
	{"long str", `"ticket " * 1000`, is(strings.Repeat("ticket ", 1000)), true},
	{"int", "42", is(int64(42)), true},
	{"negative int", "-1", is(int64(-1)), true},
	{"int64", "2**63 - 1", is(int64(1<<63 - 1)), true},
	{"big int", "-10**40", func() any { return new(big.Int).Neg(new(big.Int).Exp(big.NewInt(10), big.NewInt(40), nil)) }, false},
	{"float", "3.25", is(3.25), true},
	{"whole float", "2.0", is(2.0), true},
	{"true", "True", is(true), true},
	{"false", "False", is(false), true},
	{"None", "None", is(nil), true},
	{"list", `[1, "two", None, [3.5, []]]`, func() any { return []any{int64(1), "two", nil, []any{3.5, []any{}}} }, true},
	{"dict", `{"a": {"b": [True]}, "": {}}`, func() any {
		return map[string]any{"a": map[string]any{"b": []any{true}}, "": map[string]any{}}
	}, true},

	{"bytes", `b"\x00\xff"`, func() any { return []byte("\x00\xff") }, false},
	{"datetime", "datetime.datetime(2031, 2, 3, 4, 5, 6, 789, datetime.timezone.utc)", func() any {
		return time.Date(2031, 2, 3, 4, 5, 6, 789_000, time.UTC)
	}, false},

	{"tuple", "(1, (), ('two', [3]))", nil, false},
	{"set", "{1, 'two'}", nil, false},
	{"frozenset", "frozenset({1})", nil, false},
	{"bytearray", `bytearray(b"\x00\xff")`, nil, false},
	{"int key", `{1: "one", (2, 3): "tuple", None: "none"}`, nil, false},
	{"complex", "1+2j", nil, false},
	{"naive datetime", "datetime.datetime(2031, 2, 3, 4, 5, 6)", nil, false},
	{"datetime elsewhere", "datetime.datetime(2031, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30)))", nil, false},
	{"date", "datetime.date(2031, 2, 3)", nil, false},
	{"time", "datetime.time(4, 5, 6)", nil, false},
	{"timedelta", "datetime.timedelta(days=1, microseconds=1)", nil, false},
	{"Decimal", `decimal.Decimal("1.10")`, nil, false},
	{"UUID", `uuid.UUID("12345678123456781234567812345678")`, nil, false},
	{"OrderedDict", `collections.OrderedDict([("b", 1), ("a", 2)])`, nil, false},
	{"defaultdict", `collections.defaultdict(list, a=[1])`, nil, false},
	{"shared", "(lambda x: [x, x, {'again': x}])(['one object'])", nil, false},
	{"Horizon's token", `Token({"id": "ada"}, {"id": "demo"})`, nil, false},
	{"translation", `gettext_lazy("RegionOne")`, nil, false},
}

func is(v any) func() any { return func() any { return v } }

// kept are the kinds that Django gets back as it stored them.
func (p *pair) kept() []kind {
	p.Helper()
	var kept []kind
	var lost []string
	for _, k := range kinds {
		data := pythonOf([]kind{k})
		key, failure := p.django.try("create", tagAll(data))
		if failure == "" && p.django.Difference(key.(string), data) == "" {
			kept = append(kept, k)
		} else if k.always {
			p.Fatalf("Django itself does not keep %s here: %s", k.name, failure)
		} else {
			lost = append(lost, k.name)
		}
	}
	if len(lost) > 0 {
		p.Logf("Django does not keep these here: %s", strings.Join(lost, ", "))
	}
	return kept
}

func (p *pair) keeps(name string) bool {
	return slices.ContainsFunc(p.kinds, func(k kind) bool { return k.name == name })
}

func kindsOfGo(kinds []kind) []kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return k.golang == nil })
}

func pythonOf(kinds []kind) map[string]any {
	data := map[string]any{}
	for _, k := range kinds {
		data[k.name] = k.python
	}
	return data
}

var sameNumbers = cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
