package python

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
)

// Delta is a datetime.timedelta, in microseconds.
type Delta int64

const (
	second Delta = 1e6
	day          = 24 * 3600 * second
)

// file is an open file.
type file struct {
	path    string
	content string // what is left to read
}

// parentsOf is Path.parents.
type parentsOf struct{ path Path }

func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func fn(name string, do func(f *frame, c Call) Value) *Function {
	return &Function{Name: name, call: do}
}

// library is what is known of modules of Python's and Django's.
func library(r *run) map[string]*Module {
	unknowable := func(name, format string, args ...any) *Function {
		return fn(name, func(_ *frame, c Call) Value { return c.Unknown(format, args...) })
	}
	translated := map[string]Value{}
	for _, name := range []string{"gettext", "gettext_lazy", "gettext_noop", "ugettext", "ugettext_lazy", "ugettext_noop", "ngettext", "pgettext", "pgettext_lazy"} {
		translated[name] = unknowable(name, "a text to translate is not known before somebody reads it")
	}
	osPath := map[string]Value{"sep": Str("/")}
	for name, do := range pathFunctions {
		osPath[name] = fn(name, do)
	}
	pathClass := fn("Path", makePath)
	pathModule := &Module{"os.path", osPath}
	anywhere := &List{spoiled: &Unknown{Why: "where Python looks for modules is not known"}}
	modules := []*Module{
		{"os", map[string]Value{
			"environ": r.environ,
			"getenv":  fn("getenv", func(f *frame, c Call) Value { return dictGet(f, f.environ, c) }),
			"path":    pathModule,
			"sep":     Str("/"),
			"linesep": Str("\n"),
			"name":    Str("posix"),
			"fspath":  fn("fspath", makeStr),
		}},
		pathModule,
		{"posixpath", osPath},
		{"sys", map[string]Value{
			// Read as the site's server would: no word of manage.py's is there.
			"argv":         &List{Items: []Value{Str("")}},
			"platform":     Str("linux"),
			"version_info": Tuple{Int(3), &Unknown{Why: "which Python runs the site is not known"}},
			"path":         anywhere,
		}},
		{"pathlib", map[string]Value{"Path": pathClass, "PurePath": pathClass, "PosixPath": pathClass, "PurePosixPath": pathClass}},
		{"django.utils.translation", translated},
		{"django.core.management.utils", map[string]Value{
			"get_random_secret_key": unknowable("get_random_secret_key", "Django makes another key at each start, which ends all sessions"),
		}},
		{"datetime", map[string]Value{"timedelta": fn("timedelta", makeDelta)}},
		{"django.utils.timezone", map[string]Value{"timedelta": fn("timedelta", makeDelta)}},
		{"copy", map[string]Value{
			"copy":     fn("copy", func(f *frame, c Call) Value { return copyValue(f, c.arg(0, "x", None{}), c) }),
			"deepcopy": &Function{Name: "deepcopy", call: deepCopy, takes: true},
		}},
		{"tempfile", map[string]Value{"gettempdir": fn("gettempdir", func(*frame, Call) Value { return Str(os.TempDir()) })}},
		{"io", map[string]Value{"open": builtins["open"]}},
		{"codecs", map[string]Value{"open": builtins["open"]}},
		{"urllib.parse", map[string]Value{
			"quote":      fn("quote", quoteURL),
			"quote_plus": fn("quote_plus", quotePlus),
		}},
		{"collections", map[string]Value{"OrderedDict": builtins["dict"]}},
	}
	all := map[string]*Module{}
	for _, m := range modules {
		all[m.Name] = m
	}
	return all
}

func deepCopy(f *frame, c Call) Value {
	copies := copier{f.run, map[any]Value{}}
	return known(copies.copy(c.arg(0, "x", None{}), 0))
}

// quoteURL is urllib.parse.quote, quotePlus is quote_plus.
func quoteURL(f *frame, c Call) Value { return quoteText(f, c, "/", "%20") }

func quotePlus(f *frame, c Call) Value { return quoteText(f, c, "", "+") }

func quoteText(f *frame, c Call, safe Str, space string) Value {
	s, ok := c.arg(0, "string", None{}).(Str)
	safe, isStr := c.arg(1, "safe", safe).(Str)
	if !ok || !isStr || safe != "" && safe != "/" {
		return c.Unknown("this quoting is not understood")
	}
	f.charge(3 * len(s))
	quoted := strings.ReplaceAll(url.QueryEscape(string(s)), "+", space)
	if safe == "/" {
		quoted = strings.ReplaceAll(quoted, "%2F", "/")
	}
	return Str(quoted)
}

func makeDelta(_ *frame, c Call) Value {
	units := []struct {
		name string
		size Delta
	}{{"days", day}, {"seconds", second}, {"microseconds", 1}, {"milliseconds", 1000}, {"minutes", 60 * second}, {"hours", 3600 * second}, {"weeks", 7 * day}}
	var total float64
	for i, unit := range units {
		v := c.arg(i, unit.name, Int(0))
		real, _, _, ok := numeric(v)
		if !ok {
			return c.odd(v)
		}
		total += real * float64(unit.size)
	}
	if abs(total) >= 1<<53 {
		return c.Unknown("a number is too large")
	}
	return Delta(total)
}

// PathOf is the text of a path, given as a Str or a Path.
func PathOf(v Value) (string, bool) {
	switch v := v.(type) {
	case Str:
		return string(v), true
	case Path:
		return string(v), true
	}
	return "", false
}

// join is os.path.join of two.
func join(a, b string) string {
	switch {
	case strings.HasPrefix(b, "/") || a == "":
		return b
	case strings.HasSuffix(a, "/"):
		return a + b
	}
	return a + "/" + b
}

// onPath makes a function of os.path of one that takes one path.
func onPath(do func(string) Value) func(*frame, Call) Value {
	return func(_ *frame, c Call) Value {
		v := c.arg(0, "path", c.arg(0, "p", None{}))
		p, ok := PathOf(v)
		if !ok {
			return c.odd(v)
		}
		return do(p)
	}
}

func dirname(p string) string {
	at := strings.LastIndexByte(p, '/') + 1
	if dir := strings.TrimRight(p[:at], "/"); dir != "" {
		return dir
	}
	return p[:at]
}

func realpath(p string) string {
	if resolved, err := filepath.EvalSymlinks(absolute(p)); err == nil {
		return resolved
	}
	// What is not there has no links, but the folder it is in may have.
	dir, base := filepath.Split(absolute(p))
	if dir = filepath.Clean(dir); dir != p && dir != "/" {
		return filepath.Join(realpath(dir), base)
	}
	return absolute(p)
}

func exists(is func(os.FileInfo) bool) func(string) Value {
	return func(p string) Value {
		info, err := os.Stat(p)
		return Bool(err == nil && is(info))
	}
}

var (
	anyFile = exists(func(os.FileInfo) bool { return true })
	isFile  = exists(func(info os.FileInfo) bool { return info.Mode().IsRegular() })
	isDir   = exists(func(info os.FileInfo) bool { return info.IsDir() })
)

var pathFunctions = map[string]func(*frame, Call) Value{
	"abspath":  onPath(func(p string) Value { return Str(absolute(p)) }),
	"realpath": onPath(func(p string) Value { return Str(realpath(p)) }),
	"normpath": onPath(func(p string) Value { return Str(path.Clean(p)) }),
	"dirname":  onPath(func(p string) Value { return Str(dirname(p)) }),
	"basename": onPath(func(p string) Value { return Str(p[strings.LastIndexByte(p, '/')+1:]) }),
	"isabs":    onPath(func(p string) Value { return Bool(strings.HasPrefix(p, "/")) }),
	"exists":   onPath(anyFile),
	"isfile":   onPath(isFile),
	"isdir":    onPath(isDir),
	"join": func(f *frame, c Call) Value {
		joined := ""
		for i, arg := range c.Args {
			p, ok := PathOf(arg)
			if !ok {
				return c.odd(arg)
			}
			if i == 0 {
				joined = p
			} else {
				joined = join(joined, p)
			}
			f.charge(len(joined))
		}
		return Str(joined)
	},
	"expanduser": func(_ *frame, c Call) Value {
		p, ok := PathOf(c.arg(0, "path", None{}))
		if !ok || strings.HasPrefix(p, "~") {
			return c.Unknown("whose home is meant is not known")
		}
		return Str(p)
	},
	"split": onPath(func(p string) Value {
		return Tuple{Str(dirname(p)), Str(p[strings.LastIndexByte(p, '/')+1:])}
	}),
}

// clean is how pathlib writes a path.
func clean(p string) Path {
	parts := strings.Split(p, "/")
	var kept []string
	for _, part := range parts {
		if part != "" && part != "." {
			kept = append(kept, part)
		}
	}
	joined := strings.Join(kept, "/")
	if strings.HasPrefix(p, "/") {
		return Path("/" + joined)
	}
	if joined == "" {
		return "."
	}
	return Path(joined)
}

func makePath(f *frame, c Call) Value {
	joined := ""
	for _, arg := range c.Args {
		p, ok := PathOf(arg)
		if !ok {
			return c.odd(arg)
		}
		joined = join(joined, p)
		f.charge(len(joined))
	}
	return clean(joined)
}

func parent(p string) string { return path.Dir(p) }

func (f *frame) pathAttribute(p Path, name string) Value {
	base := path.Base(string(p))
	switch name {
	case "parent":
		return Path(parent(string(p)))
	case "parents":
		return &parentsOf{p}
	case "name":
		return Str(base)
	case "suffix":
		return Str(path.Ext(base))
	case "stem":
		return Str(strings.TrimSuffix(base, path.Ext(base)))
	}
	return nil
}

var pathMethods = map[string]method{
	"resolve":    func(_ *frame, v Value, _ Call) Value { return Path(realpath(string(v.(Path)))) },
	"absolute":   func(_ *frame, v Value, _ Call) Value { return Path(absolute(string(v.(Path)))) },
	"as_posix":   func(_ *frame, v Value, _ Call) Value { return Str(v.(Path)) },
	"__str__":    func(_ *frame, v Value, _ Call) Value { return Str(v.(Path)) },
	"exists":     func(_ *frame, v Value, _ Call) Value { return anyFile(string(v.(Path))) },
	"is_file":    func(_ *frame, v Value, _ Call) Value { return isFile(string(v.(Path))) },
	"is_dir":     func(_ *frame, v Value, _ Call) Value { return isDir(string(v.(Path))) },
	"read_text":  func(f *frame, v Value, c Call) Value { return f.open(string(v.(Path)), c).text() },
	"joinpath":   func(f *frame, v Value, c Call) Value { c.Args = append([]Value{v}, c.Args...); return makePath(f, c) },
	"expanduser": func(_ *frame, v Value, c Call) Value { return c.Unknown("whose home is meant is not known") },
}

func openFile(f *frame, c Call) Value {
	p, ok := PathOf(c.arg(0, "file", None{}))
	mode, isStr := c.arg(1, "mode", Str("r")).(Str)
	if !ok || !isStr || strings.Trim(string(mode), "rt") != "" {
		return c.Unknown("this open is not understood")
	}
	return f.open(p, c)
}

// open reads a file that the settings read. One that is not there is raised.
func (f *frame) open(p string, c Call) *file {
	content, err := ReadFile(p)
	if err != nil {
		f.raise(c.Place.Line, "FileNotFoundError", "%v", err)
	}
	f.charge(len(content))
	content = strings.ReplaceAll(strings.ReplaceAll(content, "\r\n", "\n"), "\r", "\n")
	f.read[content] = p
	return &file{p, content}
}

func (file *file) text() Value { return Str(file.content) }

var fileMethods = map[string]method{
	"read": func(_ *frame, v Value, c Call) Value {
		if len(c.Args) > 0 {
			return c.Unknown("a read of a part is not understood")
		}
		content := v.(*file).text()
		v.(*file).content = ""
		return content
	},
	"readline": func(_ *frame, v Value, _ Call) Value {
		open := v.(*file)
		line, rest, found := strings.Cut(open.content, "\n")
		open.content = rest
		if found {
			line += "\n"
		}
		return Str(line)
	},
	"close": func(*frame, Value, Call) Value { return None{} },
}
