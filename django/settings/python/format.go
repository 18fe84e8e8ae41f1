package python

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

func (f *frame) percent(format string, value Value, line int) Value {
	args, isTuple := value.(Tuple)
	if !isTuple {
		args = Tuple{value}
	}
	dict, _ := value.(*Dict)
	used := 0
	var b strings.Builder
	for {
		at := strings.IndexByte(format, '%')
		if at < 0 || at+1 == len(format) {
			break
		}
		b.WriteString(format[:at])
		format = format[at+1:]
		if format[0] == '%' {
			b.WriteByte('%')
			format = format[1:]
			continue
		}
		var arg Value
		if format[0] == '(' && dict != nil {
			end := strings.IndexByte(format, ')')
			if end < 0 {
				return f.unknown(line, "this format is not understood")
			}
			var ok bool
			if arg, ok = dict.Get(format[1:end]); !ok {
				f.raise(line, "KeyError", "there is no key %q", format[1:end])
			}
			format, used = format[end+1:], 1
		} else {
			if used == len(args) {
				f.raise(line, "TypeError", "there are fewer values than the format wants")
			}
			arg = args[used]
			used++
		}
		end := strings.IndexFunc(format, func(r rune) bool { return !strings.ContainsRune("0123456789-+. #", r) })
		if end < 0 {
			return f.unknown(line, "this format is not understood")
		}
		s := f.format(arg, format[:end], format[end], line)
		if u := unknown(s); u != nil {
			return u
		}
		b.WriteString(string(s.(Str)))
		f.bound(b.Len())
		f.step(1)
		format = format[end+1:]
	}
	if strings.Contains(format, "%") {
		return f.unknown(line, "this format is not understood")
	}
	if used < len(args) && dict == nil {
		f.raise(line, "TypeError", "there are more values than the format wants")
	}
	f.charge(b.Len() + len(format))
	return Str(b.String() + format)
}

// format writes v as % and format do: flags and width, then the verb.
func (f *frame) format(v Value, flags string, verb byte, line int) Value {
	if u := unknown(v); u != nil {
		return u
	}
	odd := f.unknown(line, "the format %%%s%c of a %s is not understood", flags, verb, TypeName(v))
	width, precision, _ := strings.Cut(flags, ".")
	for _, n := range []string{strings.TrimLeft(width, "-+ 0#"), precision} {
		if n != "" {
			if i, err := strconv.Atoi(n); err != nil || i > 1000 {
				return odd
			}
		}
	}
	real, whole, isWhole, isNumber := numeric(v)
	switch verb {
	case 's', 'r':
		s, ok := f.text(v)
		if verb == 'r' {
			s, ok = f.repr(v, 0)
		}
		if !ok || strings.ContainsAny(flags, "0+ #") && strings.Trim(width, "0123456789-") != "" {
			return odd
		}
		f.charge(len(s))
		return Str(fmt.Sprintf("%"+strings.TrimLeft(flags, "0")+"s", s))
	case 'd', 'i', 'u':
		if !isNumber || strings.Contains(flags, ".") {
			return odd
		}
		if !isWhole {
			whole = int64(real)
		}
		return Str(fmt.Sprintf("%"+flags+"d", whole))
	case 'x', 'X', 'o':
		if !isWhole || strings.ContainsAny(flags, ".#") {
			return odd
		}
		return Str(fmt.Sprintf("%"+flags+string(verb), whole))
	case 'f', 'F', 'e':
		if !isNumber {
			return odd
		}
		return Str(fmt.Sprintf("%"+flags+string(verb), real))
	}
	return odd
}

// text is str(v), of containers too.
func (r *run) text(v Value) (string, bool) {
	if u := unknown(v); u != nil {
		return "", false
	}
	if s, ok := str(v); ok {
		return s, true
	}
	return r.repr(v, 0)
}

// formatted is what an f-string makes.
func (f *frame) formatted(parts []part, line int) Value {
	var b strings.Builder
	var u *Unknown
	for _, part := range parts {
		if part.value == nil {
			b.WriteString(part.text)
			continue
		}
		value := f.eval(part.value)
		spec := f.formatted(part.spec, line)
		if why := cmp.Or(unknown(value), unknown(spec)); why != nil {
			u = cmp.Or(u, why)
			continue
		}
		s := f.field(value, part.conversion, string(spec.(Str)), line)
		if why := unknown(s); why != nil {
			u = cmp.Or(u, why)
			continue
		}
		b.WriteString(string(s.(Str)))
		f.bound(b.Len())
	}
	if u != nil {
		return u
	}
	return Str(b.String())
}

// field is format(value, spec), after a conversion by !s or !r.
func (f *frame) field(value Value, conversion, spec string, line int) Value {
	if u := unknown(value); u != nil {
		return u
	}
	s, ok := f.text(value)
	if conversion == "r" {
		s, ok = f.repr(value, 0)
	}
	if !ok || conversion != "" && conversion != "r" && conversion != "s" {
		return f.unknown(line, "a %s in a format is not understood", TypeName(value))
	}
	if spec == "" {
		return Str(s)
	}
	if _, _, isWhole, isNumber := numeric(value); isNumber && conversion == "" {
		verb := spec[len(spec)-1]
		switch {
		case strings.IndexByte("dxXf", verb) >= 0:
			if flags := spec[:len(spec)-1]; strings.Trim(flags, "0123456789.") == "" {
				return f.format(value, flags, verb, line)
			}
		case isWhole && strings.Trim(spec, "0123456789") == "":
			return f.format(value, spec, 'd', line)
		}
	} else if flags := strings.TrimSuffix(spec, "s"); !isNumber && strings.Trim(flags, "0123456789") == "" && !strings.HasPrefix(flags, "0") {
		return f.format(Str(s), "-"+flags, 's', line)
	}
	return f.unknown(line, "the format %q is not understood", spec)
}

// formatMethod is str.format.
func (f *frame) formatMethod(format string, c Call) Value {
	var b strings.Builder
	next := 0
	for format != "" {
		at := strings.IndexAny(format, "{}")
		if at < 0 {
			break
		}
		b.WriteString(format[:at])
		brace := format[at : at+1]
		format = format[at+1:]
		if strings.HasPrefix(format, brace) {
			b.WriteString(brace)
			format = format[1:]
			continue
		}
		end := strings.IndexByte(format, '}')
		if brace == "}" || end < 0 {
			return c.Unknown("this format is not understood")
		}
		field, spec, _ := strings.Cut(format[:end], ":")
		field, conversion, _ := strings.Cut(field, "!")
		format = format[end+1:]
		if strings.ContainsAny(spec, "{") || strings.ContainsAny(field, ".[") {
			return c.Unknown("this format is not understood")
		}
		value, ok := c.Named[field]
		if i, err := strconv.Atoi(field); err == nil || field == "" {
			if field == "" {
				i = next
				next++
			}
			if ok = i >= 0 && i < len(c.Args); ok {
				value = c.Args[i]
			}
		}
		if !ok {
			f.raise(c.Place.Line, "KeyError", "there is no value for {%s}", field)
		}
		s := f.field(value, conversion, spec, c.Place.Line)
		if u := unknown(s); u != nil {
			return u
		}
		b.WriteString(string(s.(Str)))
		f.bound(b.Len())
	}
	f.charge(b.Len() + len(format))
	return Str(b.String() + format)
}
