package pickle_test

import (
	"testing"

	"github.com/cloakroom-go/cloakroom/django/pickle"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "k3y", "Zoë 🧥\n\\u0041", "it's \"quoted\""} {
		for protocol := range 6 {
			data, err := pickle.MarshalText(text, protocol)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := pickle.UnmarshalText(data); got != text || err != nil {
				t.Errorf("%q in protocol %d: %q, %v", text, protocol, got, err)
			}
		}
	}
	if _, err := pickle.MarshalText("x", 6); err == nil {
		t.Error("there is no protocol 6")
	}
	dict, _ := pickle.Marshal(map[string]any{"a": "b"}, 5)
	for _, data := range [][]byte{nil, {}, dict, dict[:5], []byte("\x80\x05K\x01."), []byte("\x80\x05\x8c\xff.")} {
		if got, err := pickle.UnmarshalText(data); err == nil {
			t.Errorf("%q is taken for the text %q", data, got)
		}
	}
}
