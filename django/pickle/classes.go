package pickle

import (
	"encoding/hex"
	"fmt"
	"time"
)

// made is an object as one would say how it is made, whatever the protocol.
type made struct {
	object
	module, name string // empty if the class has no name
	args         []ref  // the first of them
	all          chain  // of the arguments
}

func (m made) is(module, name string) bool { return m.module == module && m.name == name }

// bare reports whether the object is its arguments and nothing else.
func (m made) bare() bool {
	return m.state == 0 && m.kwargs == 0 && m.list.first == 0 && m.dict.first == 0
}

// tuple returns the first items of a tuple, if it is one.
func (g *graph) tuple(r ref) []ref {
	if n := g.nodes[r]; n.kind == kindTuple {
		return g.few(n.chain())
	}
	return nil
}

func (g *graph) made(r ref) made {
	m := made{object: *g.object(r)}
	m.all = g.nodes[m.object.args].chain()
	m.args = g.few(m.all)
	m.module, m.name = g.global(m.class)
	if m.how != reduced || m.module != "copyreg" || len(m.args) == 0 || g.nodes[m.args[0]].kind != kindGlobal {
		return m
	}
	// What protocols write that have no opcode for it.
	class, args := m.args[0], m.args[1:]
	switch {
	case m.name == "__newobj__":
		m.how = newObject
		if m.all.first = g.links[m.all.first].next; m.all.first == 0 {
			m.all.last = 0
		}
	case m.name == "__newobj_ex__" && len(args) == 2 && g.nodes[args[0]].kind == kindTuple && g.nodes[args[1]].kind == kindDict:
		m.how, m.all, m.kwargs = newObjectEx, g.nodes[args[0]].chain(), args[1]
	case m.name == "_reconstructor" && len(args) == 2 && g.isGlobal(args[0], "builtins", "object") && g.nodes[args[1]].kind == kindNone:
		m.how, m.all = newObject, chain{}
	default:
		return m
	}
	m.args = g.few(m.all)
	m.class = class
	m.module, m.name = g.global(class)
	return m
}

// global returns the name of a class or function, if it is one.
func (g *graph) global(r ref) (module, name string) {
	if n := g.nodes[r]; n.kind == kindGlobal {
		return g.str(ref(n.a)), g.str(ref(n.b))
	}
	return "", ""
}

func (g *graph) isGlobal(r ref, module, name string) bool {
	m, n := g.global(r)
	return m == module && n == name && g.nodes[r].kind == kindGlobal
}

// bytesOf returns Python bytes, in the way of protocols before 3 too.
func (g *graph) bytesOf(r ref) (string, bool) {
	switch n := g.nodes[r]; n.kind {
	case kindBytes:
		return g.str(r), true
	case kindObject:
		o := g.object(r)
		if o.how != reduced || o.state != 0 {
			return "", false
		}
		args := g.tuple(o.args)
		if g.isGlobal(o.class, "builtins", "bytes") && len(args) == 0 {
			return "", true
		}
		if g.isGlobal(o.class, "_codecs", "encode") && len(args) == 2 {
			text, codec := args[0], args[1]
			if g.nodes[text].kind == kindStr && g.nodes[codec].kind == kindStr && g.str(codec) == "latin1" {
				b, ok := appendLatin1(nil, g.str(text))
				return string(b), ok
			}
		}
	}
	return "", false
}

// special is an object of a class that is understood.
type special struct {
	tag    string   // of its tagged form
	text   string   // what a date, time, Decimal or UUID says; what a bytearray holds
	items  chain    // of a set, frozenset or OrderedDict
	moment moment   // a datetime
	delta  [3]int64 // a timedelta: days, seconds, microseconds
}

func (g *graph) special(m made) (s special, ok bool) {
	if m.name == "" {
		return s, false
	}
	switch {
	case m.is("datetime", "datetime"):
		s.tag = "datetime"
		s.moment, ok = g.datetime(m)
	case m.is("datetime", "date"):
		s.tag = "date"
		s.text, ok = g.date(m)
	case m.is("datetime", "time"):
		s.tag = "time"
		s.text, ok = g.clock(m)
	case m.is("datetime", "timedelta"):
		s.tag = "timedelta"
		s.delta, ok = g.timedelta(m)
	case m.is("decimal", "Decimal"):
		s.tag = "decimal"
		s.text, ok = g.decimal(m)
	case m.is("uuid", "UUID"):
		s.tag = "uuid"
		s.text, ok = g.uuid(m)
	case m.is("builtins", "set"), m.is("builtins", "frozenset"):
		s.tag = m.name
		s.items, ok = g.setOf(m)
	case m.is("builtins", "bytearray"):
		s.tag = "bytearray"
		s.text, ok = g.byteArray(m)
	case m.is("collections", "OrderedDict"):
		s.tag, s.items = "ordereddict", m.object.dict
		ok = m.how == reduced && len(m.args) == 0 && m.state == 0 && m.object.list.first == 0
	}
	return s, ok
}

// setOf recognizes a set or frozenset in the way of protocols that have no
// opcode for it: the class, called with a list.
func (g *graph) setOf(m made) (chain, bool) {
	if m.how != reduced || !m.bare() || len(m.args) > 1 {
		return chain{}, false
	}
	if len(m.args) == 0 {
		return chain{}, true
	}
	n := g.nodes[m.args[0]]
	return n.chain(), n.kind == kindList
}

func (g *graph) byteArray(m made) (string, bool) {
	if m.how != reduced || !m.bare() {
		return "", false
	}
	switch len(m.args) {
	case 0:
		return "", true
	case 1:
		return g.bytesOf(m.args[0])
	case 2:
		text, codec := m.args[0], m.args[1]
		if g.nodes[text].kind == kindStr && g.nodes[codec].kind == kindStr && g.str(codec) == "latin-1" {
			b, ok := appendLatin1(nil, g.str(text))
			return string(b), ok
		}
	}
	return "", false
}

func (g *graph) decimal(m made) (string, bool) {
	if !m.bare() || len(m.args) != 1 || g.nodes[m.args[0]].kind != kindStr {
		return "", false
	}
	return g.str(m.args[0]), true
}

// uuid recognizes a UUID by its state, which is {"int": …}.
func (g *graph) uuid(m made) (string, bool) {
	if m.how != newObject || len(m.args) != 0 || m.state == 0 {
		return "", false
	}
	items := g.few(g.nodes[m.state].chain())
	if g.nodes[m.state].kind != kindDict || len(items) != 2 {
		return "", false
	}
	name, value := items[0], items[1]
	if g.nodes[name].kind != kindStr || g.str(name) != "int" {
		return "", false
	}
	var long string
	switch n := g.nodes[value]; n.kind {
	case kindInt:
		if n.int() < 0 {
			return "", false
		}
		long = string(appendUint64(nil, uint64(n.int())))
	case kindBig:
		if long = g.str(value); len(long) > 17 || long[len(long)-1] >= 0x80 {
			return "", false
		}
	default:
		return "", false
	}
	var b [16]byte
	for i := range len(long) {
		if i < 16 {
			b[15-i] = long[i]
		} else if long[i] != 0 {
			return "", false
		}
	}
	x := hex.EncodeToString(b[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:], true
}

func appendUint64(dst []byte, u uint64) []byte {
	for range 8 {
		dst = append(dst, byte(u))
		u >>= 8
	}
	return dst
}

// moment is a datetime.
type moment struct {
	year, month, day, hour, minute, second, microsecond int

	fold     bool           // the second of two equal times, when clocks are put back
	aware    bool           // it has a time zone
	location *time.Location // which is this, unless it is of an unknown class
	fixed    bool           // and is a datetime.timezone without a name
}

func (t moment) time() time.Time {
	location := t.location
	if location == nil {
		location = time.UTC
	}
	return time.Date(t.year, time.Month(t.month), t.day, t.hour, t.minute, t.second, t.microsecond*1000, location)
}

func (g *graph) datetime(m made) (t moment, ok bool) {
	if m.how != reduced || !m.bare() || len(m.args) < 1 || len(m.args) > 2 {
		return t, false
	}
	b, ok := g.bytesOf(m.args[0])
	if !ok || len(b) != 10 {
		return t, false
	}
	t = moment{
		year: int(b[0])<<8 | int(b[1]), month: int(b[2] & 0x7F), day: int(b[3]), hour: int(b[4]), minute: int(b[5]),
		second: int(b[6]), microsecond: int(b[7])<<16 | int(b[8])<<8 | int(b[9]), fold: b[2] >= 0x80,
	}
	if len(m.args) == 2 {
		t.aware = true
		t.location, t.fixed = g.location(m.args[1])
	}
	return t, validDate(t.year, t.month, t.day) && validClock(t.hour, t.minute, t.second, t.microsecond)
}

func validDate(year, month, day int) bool {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

func validClock(hour, minute, second, microsecond int) bool {
	return hour < 24 && minute < 60 && second < 60 && microsecond < 1_000_000
}

// location recognizes time zones: datetime.timezone (and whether that is all),
// pytz and zoneinfo.
func (g *graph) location(r ref) (location *time.Location, fixed bool) {
	if g.nodes[r].kind != kindObject {
		return nil, false
	}
	m := g.made(r)
	switch {
	case m.how != reduced || !m.bare():
	case m.is("pytz", "_UTC"):
		return time.UTC, false
	case m.is("datetime", "timezone") && len(m.args) > 0 && g.nodes[m.args[0]].kind == kindObject:
		delta := g.made(m.args[0])
		d, ok := g.timedelta(delta)
		seconds := d[0]*86400 + d[1]
		if !ok || !delta.is("datetime", "timedelta") || d[2] != 0 || seconds <= -86400 || seconds >= 86400 {
			return nil, false
		}
		if seconds == 0 {
			return time.UTC, len(m.args) == 1
		}
		return time.FixedZone("", int(seconds)), len(m.args) == 1
	case m.is("pytz", "_p") && len(m.args) == 4 && g.nodes[m.args[1]].kind == kindInt:
		// name, seconds east of UTC, seconds of summer time within them, abbreviation
		if seconds := g.nodes[m.args[1]].int(); seconds > -86400 && seconds < 86400 {
			return time.FixedZone("", int(seconds)), false
		}
	case m.is("zoneinfo", "ZoneInfo._unpickle") && len(m.args) > 0 && g.nodes[m.args[0]].kind == kindStr:
		if location, err := time.LoadLocation(g.str(m.args[0])); err == nil {
			return location, false
		}
	}
	return nil, false
}

// timedelta recognizes a duration: days, seconds, microseconds.
func (g *graph) timedelta(m made) (d [3]int64, ok bool) {
	if m.how != reduced || !m.bare() || len(m.args) != 3 {
		return d, false
	}
	for i, arg := range m.args {
		n := g.nodes[arg]
		if n.kind != kindInt {
			return d, false
		}
		d[i] = n.int()
	}
	ok = d[0] > -1_000_000_000 && d[0] < 1_000_000_000 && d[1] >= 0 && d[1] < 86400 && d[2] >= 0 && d[2] < 1_000_000
	return d, ok
}

// date returns a date in ISO 8601.
func (g *graph) date(m made) (string, bool) {
	if m.how != reduced || !m.bare() || len(m.args) != 1 {
		return "", false
	}
	b, ok := g.bytesOf(m.args[0])
	if !ok || len(b) != 4 {
		return "", false
	}
	year, month, day := int(b[0])<<8|int(b[1]), int(b[2]), int(b[3])
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day), validDate(year, month, day)
}

// clock returns a time of day without a time zone in ISO 8601.
func (g *graph) clock(m made) (string, bool) {
	if m.how != reduced || !m.bare() || len(m.args) != 1 {
		return "", false
	}
	b, ok := g.bytesOf(m.args[0])
	if !ok || len(b) != 6 || b[0] >= 24 { // a fold adds 128
		return "", false
	}
	hour, minute, second, microsecond := int(b[0]), int(b[1]), int(b[2]), int(b[3])<<16|int(b[4])<<8|int(b[5])
	text := fmt.Sprintf("%02d:%02d:%02d", hour, minute, second)
	if microsecond > 0 {
		text += fmt.Sprintf(".%06d", microsecond)
	}
	return text, validClock(hour, minute, second, microsecond)
}

// datetimeBytes is how Python keeps a datetime; [graph.datetime] reads it.
func datetimeBytes(t time.Time) string { return dateBytes(t) + clockBytes(t) }

func dateBytes(t time.Time) string {
	return string([]byte{byte(t.Year() >> 8), byte(t.Year()), byte(t.Month()), byte(t.Day())})
}

func clockBytes(t time.Time) string {
	us := t.Nanosecond() / 1000
	return string([]byte{byte(t.Hour()), byte(t.Minute()), byte(t.Second()), byte(us >> 16), byte(us >> 8), byte(us)})
}
