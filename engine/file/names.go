package file

import (
	"crypto/rand"
	"strings"

	"github.com/cloakroom-go/cloakroom"
)

// outInfix parts the session's own name from what a file is called while it is
// being written. It is Django's, so that each knows what the other left behind.
const outInfix = "_out_"

func (f *folder) nameOf(key string) string { return f.prefix + key }

func (f *folder) newTempName(key string) string {
	return f.nameOf(key) + outInfix + rand.Text()[:12]
}

// keyOf returns the session key that a file is named for, if it is a session's.
func (f *folder) keyOf(name string) (key string, ok bool) {
	key, ok = strings.CutPrefix(name, f.prefix)
	return key, ok && cloakroom.ValidKey(key)
}

// isTempName reports whether a file was, or is, on its way to become a session.
func (f *folder) isTempName(name string) bool {
	name, ours := strings.CutPrefix(name, f.prefix)
	key, _, out := strings.Cut(name, outInfix)
	return ours && out && cloakroom.ValidKey(key)
}
