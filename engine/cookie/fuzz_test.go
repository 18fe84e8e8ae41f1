package cookie_test

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/signing"
	"github.com/cloakroom-go/cloakroom/engine/cookie"
)

// A stranger's cookie is none, whatever is in it; and whatever a colleague signed
// is either unreadable or can be saved again.
func FuzzCookie(f *testing.F) {
	signed, sealed := open(), open(cookie.WithEncryption())
	const elsewhere = "another secret key"
	for _, e := range []*cookie.Engine{signed, sealed} {
		stranger := e.WithSecretKeys(elsewhere)
		for _, data := range []map[string]any{nil, {"a": "b"}, {"large": string(make([]byte, 3000))}} {
			f.Add(create(f, stranger, data).Key, []byte(`{"a":"b"}`))
		}
	}
	f.Add("", []byte(`{"_session_expiry":-9223372036854775808,"_cloakroom_life":9223372036854775807}`))
	f.Add("::", []byte(`{"_session_expiry":"2031-02-03T04:05:06","_cloakroom_id":1,"_cloakroom_life":-1}`))
	f.Add("~", []byte("\x80\x05}\x94(\x8c\x01a\x94K\x01u."))
	f.Add(".eJw:1:1", []byte("[]"))
	f.Fuzz(func(t *testing.T, key string, payload []byte) {
		for _, e := range []*cookie.Engine{signed, sealed} {
			if _, err := e.Load(t.Context(), key); !errors.Is(err, cloakroom.ErrNotFound) || errors.Is(err, cloakroom.ErrCorrupt) {
				t.Fatalf("Load: %v, want a plain ErrNotFound", err)
			}
			if err := e.Save(t.Context(), &cloakroom.Record{Key: key, Expires: time.Now().Add(time.Hour)}); !errors.Is(err, cloakroom.ErrGone) {
				t.Fatalf("Save: %v, want ErrGone", err)
			}
			if err := e.Delete(t.Context(), key); err != nil {
				t.Fatalf("Delete: %v", err)
			}
		}
		text, err := signing.New(signing.CookieSalt, secret).Sign(payload)
		if err != nil {
			return // too large
		}
		r, err := signed.Load(t.Context(), text)
		if err != nil {
			if !errors.Is(err, cloakroom.ErrNotFound) {
				t.Fatalf("Load of what is signed: %v", err)
			}
			return
		}
		for _, e := range []*cookie.Engine{signed, sealed} {
			again := &cloakroom.Record{Key: text, Data: r.Data, Expires: r.Expires, Version: r.Version}
			if err := e.Save(t.Context(), again); err != nil {
				if errors.Is(err, cloakroom.ErrTooLarge) || errors.Is(err, cloakroom.ErrGone) { // too large; expired meanwhile
					continue
				}
				t.Fatalf("Save of what was loaded: %v", err)
			}
			got, err := e.Load(t.Context(), again.Key)
			if err != nil {
				if r.Expires.Before(time.Now().Add(2 * time.Second)) {
					continue
				}
				t.Fatalf("Load of what was saved: %v", err)
			}
			plain := cmp.Transformer("Plain", func(v cloakroom.Value) any { return v.Plain() })
			if diff := cmp.Diff(r.Data, got.Data, plain, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
