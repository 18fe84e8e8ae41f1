package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages writes pages. Links in them begin with the base path.
type pages struct{ byName map[string]*template.Template }

// layout is what is around a page.
type layout struct {
	Title    string
	Section  string
	Account  *Account // nil if nobody is signed in
	People   bool     // accounts can be changed
	Messages []cloakroom.Message
	Body     any
}

func newPages(basePath string) *pages {
	functions := template.FuncMap{
		"path":     func(to string) string { return basePath + to },
		"asset":    func(name string) string { return basePath + assetsByName()[name].path },
		"relative": human.Relative,
		"exact":    func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"stamp":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"count":    human.Count,
		"int64":    func(n int) int64 { return int64(n) },
		"plural":   human.Plural,
		"bytes":    human.Bytes,
		"millis":   human.Millis,
	}
	p := &pages{byName: map[string]*template.Template{}}
	base := template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	for _, name := range []string{"signin", "password", "own", "all", "one", "storage", "people", "sure", "error"} {
		p.byName[name] = template.Must(template.Must(base.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return p
}

// render answers with a whole page, or not at all.
func (p *pages) render(w http.ResponseWriter, status int, name string, l layout) error {
	var b bytes.Buffer
	if err := p.byName[name].ExecuteTemplate(&b, "layout", l); err != nil {
		return fmt.Errorf("dashboard: page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	return nil
}
