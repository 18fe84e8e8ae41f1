package pickle_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// hostile are pickles that nobody's Python wrote, and why they are refused;
// empty where they are not.
var hostile = []struct{ name, text, err string }{
	{"nothing", "", "truncated"},
	{"no session", "\x80\x05N.", "a session is a dict"},
	{"no value", "\x80\x05.", "the stack is empty"},
	{"truncated", "\x80\x05}\x94(\x8c\x01a", "truncated"},
	{"unknown protocol", "\x80\x06}.", "protocol 6"},
	{"unknown opcode", "\x80\x05\xff.", "unknown opcode 0xff"},
	{"a frame longer than the rest", "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff}.", "truncated"},
	{"huge str", "\x80\x04}\x8d\xff\xff\xff\xff\xff\xff\xff\x7fx", "truncated"},
	{"huge bytes", "\x80\x04}\x8e\x00\x00\x00\x00\x00\x01\x00\x00x", "truncated"},
	{"huge bytearray", "\x80\x05}\x96\x00\x00\x00\x40\x00\x00\x00\x00x", "truncated"},
	{"huge int", "\x80\x02}\x8b\xff\xff\xff\x7f\x01", "truncated"},
	{"negative length", "\x80\x02}\x8b\xff\xff\xff\xff\x01", "truncated"},
	{"huge memo", "\x80\x02}r\xff\xff\xff\xff.", "memo out of bounds"},
	{"unset memo", "\x80\x02}h\x05.", "memo out of bounds"},
	{"huge memo in text", "(dp99999999999999999999\n.", "not a number"},
	{"long int in text", "(dp0\nVa\nL" + strings.Repeat("9", 4301) + "L\ns.", "not a number"},
	{"beyond the mark", "}(u.", ""},
	{"below the mark", "}N(s.", "the stack is empty"},
	{"no mark", "}u.", "no mark"},
	{"half an item", "}(Nu.", "an item for what takes none"},
	{"append to a dict", "}Na.", "an item for what takes none"},
	{"build a dict", "}}b.", "an item for what takes none"},
	{"call a number", "K\x01)R.", "a call of what cannot be called"},
	{"call without a tuple", "cos\nsystem\nNR.", "a call of what cannot be called"},
	{"str that is no UTF-8", "}X\x01\x00\x00\x00\xff.", "a str that is not UTF-8"},
	{"str of Python 2 that is not ASCII", "}U\x01\xe9.", "a str that is not UTF-8"},
	{"bad escape", "(dV\\u12\n.", "a str that is not UTF-8"},
	{"persistent id", "Pdisk\n.", "persistent id"},
	{"binary persistent id", "}Q.", "persistent id"},
	{"extension", "\x80\x02\x82\x01.", "extension code"},
	{"buffer", "\x80\x05\x97.", "buffer"},
	{"class of a long name", "}c" + strings.Repeat("m", 256) + "\nn\n.", "too long a name"},
	{"thrown away", "}N0.", "thrown away"},
	{"thrown away to the mark", "}(N1.", "thrown away"},
	{"built twice", "\x80\x02}cm\nC\n)\x81Nb}(Vk\nNub.", "built twice"},

	{"a dict in itself", "}q\x00Va\nh\x00s.", "contains itself"},
	{"a list in itself", "}Va\n]q\x00h\x00as.", "contains itself"},
	{"a list in its tuple", "}Va\n]q\x00h\x00\x85as.", "contains itself"},
	{"two lists in each other", "}Va\n]q\x00]q\x01h\x00ah\x01as.", "contains itself"},
	{"an object in its state", "}Va\ncm\nC\n)\x81q\x00}Vme\nh\x00sbs.", "contains itself"},
	{"nested", "}Va\n" + strings.Repeat("]", 2000) + strings.Repeat("a", 1999) + "s.", "nested too deeply"},
	{"nested tuples", "}Va\n)" + strings.Repeat("\x85", 100_000) + "s.", "nested too deeply"},
	{"nested calls", "}Va\ncm\nf\n" + strings.Repeat(")R", 5_000) + "s.", "nested too deeply"},
	{"nested globals", "}Va\ncm\n" + strings.Repeat("a.", 20) + "b\ns.", ""},
	{"2^400 values", "}Va\n]" + strings.Repeat("2\x86", 400) + "s.", ""},
	{"2^400 keys", "}K\x01" + strings.Repeat("2\x86", 400) + "Ns.", ""},
	{"large int in many places", "\x80\x02}Va\n\x8b\x00\x01\x00\x00" + strings.Repeat("\x7f", 256) + "q\x00(l" + strings.Repeat("h\x00a", 500) + "\x86s.", ""},
	{"calls of what is called", "}Va\ncos\nsystem\n(Vrm -rf /\ntRs.", ""},
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for _, c := range hostile {
		session, err := pickle.Unmarshal([]byte(c.text))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, %v; want %q", c.name, session, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for protocol := range 6 {
			written, err := pickle.Marshal(session, protocol)
			if err != nil {
				t.Errorf("%s in protocol %d: %v", c.name, protocol, err)
			}
			if len(written) > 50*len(c.text)+100 {
				t.Errorf("%s in protocol %d: %d bytes became %d", c.name, protocol, len(c.text), len(written))
			}
		}
	}
}

// What Python shares can be made to come out without bounds: then it does not.
func TestPlainIsBounded(t *testing.T) {
	t.Parallel()
	session, err := pickle.Unmarshal([]byte("}(Va\n]" + strings.Repeat("2\x86", 400) + "Vb\n](K\x01K\x02eu."))
	if err != nil {
		t.Fatal(err)
	}
	if v := session["a"].(pickle.Raw).Plain(); v != nil {
		t.Errorf("Plain returns %T", v)
	}
	if v, err := pickle.TagValue(session["a"]); err == nil {
		t.Errorf("TagValue returns %T", v)
	}
	if v, ok := session["b"].(pickle.Raw).Plain().([]any); !ok || len(v) != 2 {
		t.Errorf("beside it, %v", v)
	}
}

func TestErrorsHoldNoContent(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"}Vhunter2\nK", "}X\x08\x00\x00\x00hunter2\xff.", "}Vhunter2\nL1hunter2\n."} {
		if _, err := pickle.Unmarshal([]byte(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := pickle.Marshal(map[string]any{"hunter2": "hunter2\xff"}, 5)
	if !errors.Is(err, cloakroom.ErrUnencodable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

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
	} {
		if _, err := pickle.Marshal(map[string]any{"v": v}, 5); !errors.Is(err, cloakroom.ErrUnencodable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, session := range map[string]map[string]any{
		"protocol 6":       {},
		"other keys":       {pickle.OtherKeys: int64(1)},
		"a name, no UTF-8": {"\xff": nil},
	} {
		protocol := 5
		if name == "protocol 6" {
			protocol = 6
		}
		if _, err := pickle.Marshal(session, protocol); !errors.Is(err, cloakroom.ErrUnencodable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if tagged, err := pickle.Tag(map[string]any{pickle.OtherKeys: int64(1)}); err == nil {
		t.Errorf("tagged %v", tagged)
	}
}
