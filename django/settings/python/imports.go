package python

import (
	"slices"
	"strings"
)

// installed are the packages that are there wherever such settings run, so that
// importing them does not fail.
var installed = []string{
	"__future__", "abc", "ast", "base64", "collections", "configparser", "contextlib",
	"copy", "csv", "datetime", "decimal", "email", "enum", "errno", "functools", "getpass",
	"glob", "hashlib", "hmac", "importlib", "inspect", "io", "ipaddress", "itertools", "json",
	"locale", "logging", "math", "mimetypes", "operator", "os", "pathlib", "pickle",
	"platform", "random", "re", "secrets", "shutil", "signal", "socket", "ssl", "string",
	"subprocess", "sys", "tempfile", "textwrap", "threading", "time", "traceback", "types",
	"typing", "urllib", "uuid", "warnings", "zoneinfo", "builtins",
	"django", "horizon", "openstack_auth", "openstack_dashboard",
}

func isInstalled(module string) bool {
	first, _, _ := strings.Cut(module, ".")
	return slices.Contains(installed, first)
}

// module finds what an import names: a module known here, or a file.
func (f *frame) module(dotted string, dots int) (*Module, *Namespace) {
	if dots == 0 {
		f.imported[dotted] = true
		if m := f.host.Modules[dotted]; m != nil {
			return m, nil
		}
		if m := f.known[dotted]; m != nil {
			return m, nil
		}
		if isInstalled(dotted) {
			return &Module{Name: dotted}, nil
		}
	}
	if path := find(f.file, dotted, dots); path != "" {
		return nil, f.load(path)
	}
	return nil, nil
}

func (f *frame) importModule(s *importStatement) {
	first, _, deeper := strings.Cut(s.module, ".")
	name, target := first, first
	if s.as != "" {
		name, target = s.as, s.module
	}
	m, file := f.module(target, 0)
	switch {
	case file != nil:
		attrs := map[string]Value{}
		for attr, b := range file.names {
			attrs[attr] = b.Value
		}
		m = &Module{target, attrs}
	case m == nil:
		u := f.unknown(s.at(), "the module %s is not looked into", s.module)
		f.doubt(u, true)
		f.bind(name, u, s.at())
		return
	}
	f.bind(name, m, s.at())
	if deeper && s.as == "" { // os.path is there already
		_, _ = f.module(s.module, 0)
	}
}

func (f *frame) importFrom(s *fromImport) {
	m, file := f.module(s.module, s.dots)
	full := strings.Repeat(".", s.dots) + s.module
	if s.names == nil {
		f.importAll(s, full, m, file)
		return
	}
	for _, n := range s.names {
		name, as := n[0], n[1]
		var value Value
		switch {
		case m != nil:
			if value = m.Attrs[name]; value == nil {
				if sub, _ := f.module(s.module+"."+name, 0); sub != nil {
					value = sub
				}
			}
		case file != nil:
			if b := file.Lookup(name); b != nil {
				f.names.bind(as, b.Value, f.place(s.at()), nil)
				continue
			}
			if sub, subFile := f.module(strings.TrimPrefix(s.module+"."+name, "."), s.dots); sub != nil {
				value = sub
			} else if subFile != nil {
				value = subFile.module(name)
			} else {
				f.raise(s.at(), "ImportError", "%s has no %s", full, name)
			}
		case s.dots > 0:
			if _, subFile := f.module(strings.TrimPrefix(s.module+"."+name, "."), s.dots); subFile != nil {
				value = subFile.module(name)
			} else {
				f.raise(s.at(), "ModuleNotFoundError", "there is no file for the module %s", full)
			}
		}
		if value == nil {
			u := f.unknown(s.at(), "what %s has as %s is not looked into", full, name)
			if m == nil {
				f.doubt(u, true)
			}
			value = u
		}
		f.bind(as, value, s.at())
	}
}

func (n *Namespace) module(name string) *Module {
	attrs := map[string]Value{}
	for attr, b := range n.names {
		attrs[attr] = b.Value
	}
	return &Module{name, attrs}
}

// importAll is from … import *. A module that is nowhere to be found is taken to be
// not there where the file has an answer to that; else it may have set anything.
func (f *frame) importAll(s *fromImport, full string, m *Module, file *Namespace) {
	switch {
	case file != nil:
		f.names.Import(file)
	case m != nil && m.Attrs != nil:
		for name, value := range m.Attrs {
			f.bind(name, value, s.at())
		}
	case m != nil:
		f.names.obscure(f.unknown(s.at(), "what %s has is not looked into", full))
	case f.trying > 0 || s.dots > 0:
		f.raise(s.at(), "ModuleNotFoundError", "there is no file for the module %s", full)
	default:
		f.names.obscure(f.unknown(s.at(), "there is no file for the module %s, of which everything is imported", full))
	}
}
