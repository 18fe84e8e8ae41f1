package djangotest

import (
	"strings"
	"testing"
)

// What differs is named, however alike it looks.
func TestDifference(t *testing.T) {
	t.Parallel()
	d := Start(t, signedPickles)
	for want, got := range map[Python]Python{
		"1": "True", "1.0": "1", "0.0": "-0.0", "(1,)": "[1]", "{1}": "frozenset({1})", "{True}": "{1}",
		`{1: "one"}`: `{True: "one"}`, `b"a"`: `bytearray(b"a")`, "{}": "collections.OrderedDict()",
		"collections.OrderedDict(a=1, b=2)": "collections.OrderedDict(b=2, a=1)",
		"datetime.datetime(2031, 2, 3)":     "datetime.datetime(2031, 2, 3, tzinfo=datetime.timezone.utc)",
		"(lambda x: [x, x])([])":            "[[], []]",
		`Token("ada", "demo")`:              `Token("ada", "other")`,
		`gettext_lazy("RegionOne")`:         `"RegionOne"`,
	} {
		key := d.Create(map[string]any{"v": got})
		if diff := d.Difference(key, map[string]any{"v": got}); diff != "" {
			t.Errorf("%s differs from itself: %s", got, diff)
		}
		if diff := d.Difference(key, map[string]any{"v": want}); !strings.HasPrefix(diff, "'v' is ") {
			t.Errorf("%s for %s: %q", got, want, diff)
		}
	}
	key := d.Create(map[string]any{"left": int64(1)})
	diff := d.Difference(key, map[string]any{"missing": int64(1)})
	if want := "'left' is 1, want none\n'missing' is missing"; diff != want {
		t.Errorf("difference is %q, want %q", diff, want)
	}
}

const signedPickles = `
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.PickleSerializer"
`

// What has no form in JSON comes as Python writes it.
func TestLoad(t *testing.T) {
	t.Parallel()
	d := Start(t, signedPickles)
	d.Exec("import fractions\nhalf = fractions.Fraction(1, 2)")
	data, ok := d.Load(d.Create(map[string]any{"half": Python("half"), "n": int64(1)}))
	if !ok || data["half"] != "Fraction(1, 2)" || data["n"] != int64(1) {
		t.Errorf("Django loads %v, %v", data, ok)
	}
	if data, ok := d.Load("forged"); ok {
		t.Errorf("Django loads %v from a forged cookie", data)
	}
}
