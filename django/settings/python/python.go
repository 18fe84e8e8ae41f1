// Package python reads Python files as settings are written in: it computes what
// can be computed from literals, names, the environment and files beside it, and
// knows of everything else that it does not know it. It never runs anything.
package python

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what a file may ask for.
const (
	maxFile    = 1 << 18 // bytes of one file
	maxString  = 1 << 20 // bytes of one string, items of one list
	maxSteps   = 500_000 // expressions and items, in all
	maxImports = 20      // files that import each other

	maxOverridden = 16 // places that are remembered of a name
)

// Place is a line of a file.
type Place struct {
	File string
	Line int
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Binding is what a name stands for.
type Binding struct {
	Value      Value
	Place      Place   // where it was last set or changed
	Overridden []Place // where it was set before, to no effect
}

// Namespace is the names of a module.
type Namespace struct {
	run *run
	state
}

type state struct {
	names map[string]*Binding
	fog   *Unknown // what may have set any name that is not in names; nil for nothing
}

// Host is what a file finds around it.
type Host struct {
	Environ []string           // NAME=value
	Modules map[string]*Module // modules that it may import, besides those known here
}

// run is one reading, of one file and what it imports.
type run struct {
	host    Host
	steps   int
	depth   int // imports
	environ *Dict
	known   map[string]*Module
	files   map[string]*Namespace // modules read, by path
	read    map[string]string     // which file a text was read from

	imported map[string]bool // modules, by their dotted names
}

// New returns an empty namespace to execute files in.
func New(host Host) *Namespace {
	r := &run{host: host, environ: &Dict{}, files: map[string]*Namespace{}, read: map[string]string{}, imported: map[string]bool{}}
	for _, entry := range host.Environ {
		if name, value, ok := strings.Cut(entry, "="); ok && len(value) <= maxString {
			r.environ.set(Str(name), Str(value))
		}
	}
	r.known = library(r)
	return r.namespace()
}

func (r *run) namespace() *Namespace { return &Namespace{r, state{names: map[string]*Binding{}}} }

// Sibling returns another, empty namespace of the same reading: the bounds hold
// for both together.
func (n *Namespace) Sibling() *Namespace { return n.run.namespace() }

// Lookup returns what the name stands for; nil if nothing.
func (n *Namespace) Lookup(name string) *Binding {
	b := n.names[name]
	if b == nil && n.fog != nil {
		return &Binding{Value: n.fog, Place: n.fog.Place}
	}
	return b
}

// Set gives the name a value from elsewhere.
func (n *Namespace) Set(name string, value Value) { n.names[name] = &Binding{Value: value} }

// Import takes over all public names of another namespace, as import * does.
func (n *Namespace) Import(from *Namespace) {
	public := func(name string) bool { return !strings.HasPrefix(name, "_") }
	if all, ok := from.names["__all__"]; ok {
		items, _ := elements(all.Value)
		if unknown(all.Value) == nil {
			public = func(name string) bool {
				for _, item := range items {
					if item == Str(name) {
						return true
					}
				}
				return false
			}
		}
	}
	if from.fog != nil {
		n.obscure(from.fog)
	}
	for name, b := range from.names {
		if public(name) {
			n.bind(name, b.Value, b.Place, b.Overridden)
		}
	}
}

// bind replaces what the name stood for.
func (n *Namespace) bind(name string, value Value, place Place, overridden []Place) {
	if before := n.names[name]; before != nil && before.Place != (Place{}) {
		overridden = slices.Concat(before.Overridden, []Place{before.Place}, overridden)
		overridden = overridden[max(0, len(overridden)-maxOverridden):]
	}
	n.names[name] = &Binding{value, place, overridden}
}

// obscure makes every name unknown.
func (n *Namespace) obscure(u *Unknown) {
	for _, b := range n.names {
		spoil(b.Value, u)
		b.Value = u
	}
	n.fog = u
}

// Exec executes the file in the namespace. Of what it does not understand it
// makes unknown values; an error is that the file cannot be read, or asks for more
// than the bounds allow.
func (n *Namespace) Exec(path string) error {
	source, err := ReadFile(path)
	if err != nil {
		return err
	}
	return n.bounded(path, source)
}

func (n *Namespace) bounded(path, source string) (err error) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case boundError:
			err = errors.New(string(failure))
		default:
			panic(failure)
		}
	}()
	n.exec(path, source)
	return nil
}

func (n *Namespace) exec(path, source string) {
	if len(source) > maxFile {
		panic(boundError("the settings execute a text that is too long"))
	}
	n.run.step(len(source) / 4)
	f := &frame{run: n.run, names: n, file: path}
	f.exec(parse(source))
}

// boundError says which bound a file went over.
type boundError string

func (r *run) step(n int) {
	if r.steps += n; r.steps > maxSteps {
		panic(boundError("the settings compute for too long"))
	}
}

// charge counts the making of a string of n bytes or a list of n items, and refuses
// one that is too large, before it is made.
func (r *run) charge(n int) {
	r.step(1 + n/64)
	r.bound(n)
}

func (r *run) bound(n int) {
	if n > maxString {
		panic(boundError("the settings compute a value that is too large"))
	}
}

// ReadFile reads a regular file of bounded size, in UTF-8.
func ReadFile(path string) (string, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return "", err
	case len(content) > maxFile:
		return "", fmt.Errorf("%s is larger than %d KiB", path, maxFile>>10)
	case !utf8.Valid(content):
		return "", fmt.Errorf("%s is not UTF-8", path)
	}
	return string(content), nil
}

// find looks for the file of a module: from the folder of the file that imports
// it, and from the two folders around, which may be where Python was started. A
// relative import looks in its one place.
func find(file, module string, dots int) string {
	dir := filepath.Dir(absolute(file))
	tries := 3
	if dots > 0 {
		tries = 1
		for range dots - 1 {
			dir = filepath.Dir(dir)
		}
	}
	parts := filepath.Join(strings.Split(module, ".")...)
	for range tries {
		for _, path := range []string{filepath.Join(dir, parts+".py"), filepath.Join(dir, parts, "__init__.py")} {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path
			}
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// load executes the file of a module, once.
func (r *run) load(path string) *Namespace {
	if done := r.files[path]; done != nil {
		return done
	}
	n := r.namespace()
	r.files[path] = n
	source, err := ReadFile(path)
	if err != nil {
		n.fog = &Unknown{Why: "it cannot be read: " + err.Error(), Place: Place{File: path}}
		return n
	}
	if r.depth++; r.depth > maxImports {
		panic(boundError("too many settings files import each other"))
	}
	n.exec(path, source)
	r.depth--
	return n
}
