package signing_test

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/signing"
)

// A value of some kilobytes that is more than a session may be once it is
// decompressed is refused, and is not even decompressed where nobody signed it.
func TestBombs(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(make([]byte, signing.MaxPayload+1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	value := "." + base64.RawURLEncoding.EncodeToString(packed.Bytes()) + ":1xVWGL"
	key := sha256.Sum256([]byte(signing.CookieSalt + "signer" + secret))
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(value))
	signature := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))

	signer := signing.New(signing.CookieSalt, secret)
	if got, _, err := signer.Unsign(nil, value+":"+signature, 0); !errors.Is(err, signing.ErrTooLarge) {
		t.Errorf("a bomb of %d bytes: %d bytes, %v", len(value), len(got), err)
	}
	forged := value + ":" + strings.Repeat("A", len(signature))
	if _, _, err := signer.Unsign(nil, forged, 0); !errors.Is(err, signing.ErrSignature) {
		t.Errorf("the same, forged: %v", err)
	}
}
