package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed assets/*
var assetFiles embed.FS

// asset is a file with its content's hash in the name, so that browsers keep it
// as long as it is the same.
type asset struct {
	path    string
	content []byte
}

var assetsByName = sync.OnceValue(func() map[string]asset {
	entries, _ := assetFiles.ReadDir("assets") // embedded
	byName := map[string]asset{}
	for _, entry := range entries {
		content, _ := assetFiles.ReadFile("assets/" + entry.Name())
		hash := sha256.Sum256(content)
		ext := path.Ext(entry.Name())
		stem := strings.TrimSuffix(entry.Name(), ext)
		byName[entry.Name()] = asset{"/assets/" + stem + "." + hex.EncodeToString(hash[:6]) + ext, content}
	}
	return byName
})

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func assets() http.Handler {
	byPath := map[string]asset{}
	for _, a := range assetsByName() {
		byPath[a.path] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", contentTypes[path.Ext(a.path)])
		_, _ = w.Write(a.content)
	})
}
