package cloakroom

import (
	"net/http"
	"strings"
)

// keepOutOfSharedCaches makes sure that no cache hands one visitor's cookie to
// another.
func keepOutOfSharedCaches(h http.Header) {
	dropTargeted(h)
	kept := []string{"private"}
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		directive = strings.TrimSpace(directive)
		name, _, _ := strings.Cut(strings.ToLower(directive), "=")
		switch name {
		case "no-store":
			// By itself: beside must-understand, caches pass over it.
			h.Set("Cache-Control", "no-store")
			return
		case "", "public", "private", "s-maxage":
		default:
			kept = append(kept, directive)
		}
	}
	h.Set("Cache-Control", strings.Join(kept, ", "))
}

// dropTargeted takes out what tells some shared caches more than Cache-Control
// does, and so counts for them in its place: CDN-Cache-Control and those of single
// vendors (RFC 9213), and what came before them.
func dropTargeted(h http.Header) {
	for name := range h {
		switch lower := strings.ToLower(name); {
		case strings.HasSuffix(lower, "-cache-control"), lower == "surrogate-control", lower == "x-accel-expires", lower == "edge-control":
			delete(h, name)
		}
	}
}
