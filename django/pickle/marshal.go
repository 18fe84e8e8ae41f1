package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cloakroom-go/cloakroom"
)

// Marshal writes a session as Python's pickle.dumps does in that protocol, 0 to
// 5, with the names of a dictionary in order so that equal dictionaries give
// equal bytes.
//
// It takes the plain values of cloakroom.Record and whatever implements
// cloakroom.Value. What Python shares within what was read is written once. A
// time.Time becomes an aware datetime in UTC, to the microsecond. What cannot
// be written matches cloakroom.ErrUnencodable.
func Marshal(session map[string]any, protocol int) ([]byte, error) {
	return Append(nil, session, protocol)
}

// Append is [Marshal] into a buffer: it appends to dst and returns the result.
func Append(dst []byte, session map[string]any, protocol int) ([]byte, error) {
	if protocol < 0 || protocol > DefaultProtocol {
		return dst, unencodable("there is no such protocol")
	}
	e := encoders.Get().(*encoder)
	defer e.release()
	e.out, e.protocol = dst, protocol
	frame := e.begin()
	e.session(session)
	e.op(opStop)
	e.end(frame)
	if e.err != nil {
		return dst, e.err
	}
	return e.out, nil
}

func unencodable(why string) error {
	return fmt.Errorf("pickle: %w: %s", cloakroom.ErrUnencodable, why)
}

var errOthers = unencodable("what is kept under OtherKeys is no Raw dictionary")

// encoder writes values. After its first error it goes on to no effect.
type encoder struct {
	out      []byte
	protocol int
	err      error
	memoized uint32 // how many places of the reader's memo are taken
	graphs   []known
	strings  [128]knownString
	utc      uint32 // the place in the memo of UTC, plus one
	datetime uint32 // and of the class datetime
}

// known is which nodes of a graph are in the reader's memo.
type known struct {
	graph *graph
	memo  []uint32 // by node, the place plus one
}

// knownString is a string in the reader's memo. Python has one str in many
// places and shares it; we have none but the text to go by.
type knownString struct {
	text  string
	place uint32 // plus one
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func (e *encoder) release() {
	e.out, e.err, e.memoized, e.utc, e.datetime = nil, nil, 0, 0, 0
	clear(e.strings[:])
	for i := range e.graphs {
		e.graphs[i].graph = nil
	}
	if len(e.graphs) < 8 && (len(e.graphs) == 0 || cap(e.graphs[0].memo) < 1<<17) {
		e.graphs = e.graphs[:0]
		encoders.Put(e)
	}
}

func (e *encoder) fail(why string) {
	if e.err == nil {
		e.err = unencodable(why)
	}
}

func (e *encoder) op(op opcode) { e.out = append(e.out, op) }

// From protocol 4 on, Python cuts its output into frames so that a stream can
// be read in large parts. It takes one frame for all as well, and none where
// that would be shorter than 4 bytes.
const (
	frameHeader = 1 + 8
	leastFrame  = 4
)

func (e *encoder) begin() int {
	if e.protocol >= 2 {
		e.out = append(e.out, opProto, byte(e.protocol))
	}
	start := len(e.out)
	if e.protocol >= 4 {
		e.out = append(e.out, opFrame, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	return start
}

func (e *encoder) end(frame int) {
	if e.protocol < 4 {
		return
	}
	if n := len(e.out) - frame - frameHeader; n >= leastFrame {
		binary.LittleEndian.PutUint64(e.out[frame+1:], uint64(n))
	} else {
		e.out = slices.Delete(e.out, frame, frame+frameHeader)
	}
}

func (e *encoder) session(session map[string]any) {
	names := make([]string, 0, 16) // on the stack, for most
	var others Raw
	n := len(session)
	for name, v := range session {
		if name == OtherKeys {
			raw, ok := v.(Raw)
			if !ok || raw.kind() != kindDict {
				e.err = errOthers
				return
			}
			others = raw
			n += raw.graph.count(raw.chain())/2 - 1
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	e.emptyDict()
	for i, name := range names {
		e.before(i, n)
		e.str(name)
		e.value(session[name], 1)
		e.after(i, n, opSetItem, opSetItems)
	}
	if others.graph != nil {
		e.walk(others.graph).dictItemsFrom(len(names), n, others.chain())
	}
}

func (e *encoder) value(v any, depth int) {
	if depth > maxDepth {
		e.fail("containers nested too deeply")
	}
	if e.err != nil {
		return
	}
	switch v := v.(type) {
	case nil:
		e.op(opNone)
	case Raw:
		e.raw(v)
	case bool:
		e.bool(v)
	case int64:
		e.int(v)
	case *big.Int:
		e.big(v)
	case float64:
		e.float(v)
	case string:
		e.str(v)
	case []byte:
		e.bytes(string(v))
	case time.Time:
		e.time(v)
	case []any:
		e.list(v, depth)
	case map[string]any:
		e.dict(v, depth)
	case cloakroom.Value:
		e.value(v.Plain(), depth+1)
	default:
		e.fail(fmt.Sprintf("Python has no %T", v))
	}
}

func (e *encoder) list(list []any, depth int) {
	e.emptyList()
	for i, v := range list {
		e.before(i, len(list))
		e.value(v, depth+1)
		e.after(i, len(list), opAppend, opAppends)
	}
}

func (e *encoder) dict(dict map[string]any, depth int) {
	names := sortedNames(dict)
	e.emptyDict()
	for i, name := range names {
		e.before(i, len(names))
		e.str(name)
		e.value(dict[name], depth+1)
		e.after(i, len(names), opSetItem, opSetItems)
	}
}

func (e *encoder) emptyList() {
	if e.protocol == 0 {
		e.out = append(e.out, opMark, opList)
	} else {
		e.op(opEmptyList)
	}
	e.memoize()
}

func (e *encoder) emptyDict() {
	if e.protocol == 0 {
		e.out = append(e.out, opMark, opDict)
	} else {
		e.op(opEmptyDict)
	}
	e.memoize()
}

// before and after stand around the i-th of n items of a container, and add
// them to it in batches.
func (e *encoder) before(i, n int) {
	if e.protocol > 0 && n > 1 && i%batchSize == 0 {
		e.op(opMark)
	}
}

func (e *encoder) after(i, n int, one, many opcode) {
	switch {
	case e.protocol == 0 || n == 1:
		e.op(one)
	case i%batchSize == batchSize-1 || i == n-1:
		e.op(many)
	}
}

// memoize has the reader remember the value just written.
func (e *encoder) memoize() (place uint32) {
	place = e.memoized
	e.memoized++
	switch {
	case e.protocol >= 4:
		e.op(opMemoize)
	case e.protocol == 0:
		e.op(opPut)
		e.out = strconv.AppendUint(e.out, uint64(place), 10)
		e.op('\n')
	case place < 256:
		e.out = append(e.out, opBinPut, byte(place))
	default:
		e.op(opLongBinPut)
		e.out = binary.LittleEndian.AppendUint32(e.out, place)
	}
	return place
}

// recall writes the value that the reader remembers.
func (e *encoder) recall(place uint32) {
	switch {
	case e.protocol == 0:
		e.op(opGet)
		e.out = strconv.AppendUint(e.out, uint64(place), 10)
		e.op('\n')
	case place < 256:
		e.out = append(e.out, opBinGet, byte(place))
	default:
		e.op(opLongBinGet)
		e.out = binary.LittleEndian.AppendUint32(e.out, place)
	}
}

func (e *encoder) bool(v bool) {
	switch {
	case e.protocol >= 2 && v:
		e.op(opNewTrue)
	case e.protocol >= 2:
		e.op(opNewFalse)
	case v:
		e.out = append(e.out, "I01\n"...)
	default:
		e.out = append(e.out, "I00\n"...)
	}
}

func (e *encoder) int(i int64) {
	switch small := i >= math.MinInt32 && i <= math.MaxInt32; {
	case e.protocol == 0 && small:
		e.op(opInt)
		e.out = strconv.AppendInt(e.out, i, 10)
		e.op('\n')
	case e.protocol <= 1 && !small:
		e.op(opLong)
		e.out = strconv.AppendInt(e.out, i, 10)
		e.out = append(e.out, 'L', '\n')
	case i >= 0 && i <= math.MaxUint8:
		e.out = append(e.out, opBinInt1, byte(i))
	case i >= 0 && i <= math.MaxUint16:
		e.op(opBinInt2)
		e.out = binary.LittleEndian.AppendUint16(e.out, uint16(i))
	case small:
		e.op(opBinInt)
		e.out = binary.LittleEndian.AppendUint32(e.out, uint32(i))
	default:
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(i))
		n := trimLong(string(b[:]))
		e.out = append(e.out, opLong1, byte(n))
		e.out = append(e.out, b[:n]...)
	}
}

func (e *encoder) big(i *big.Int) {
	switch {
	case i == nil:
		e.op(opNone)
	case i.IsInt64():
		e.int(i.Int64())
	default:
		e.long(string(appendLong(nil, i)))
	}
}

// long writes an int beyond int64.
func (e *encoder) long(s string) {
	if e.protocol < 2 {
		// The length bounds the work before the digits are counted.
		if len(s) <= maxDigits/2 {
			if text := bigLong(s).Append(nil, 10); len(text) <= maxDigits {
				e.op(opLong)
				e.out = append(e.out, text...)
				e.out = append(e.out, 'L', '\n')
				return
			}
		}
		e.fail("an integer that Python refuses to read")
		return
	}
	if len(s) <= math.MaxUint8 {
		e.out = append(e.out, opLong1, byte(len(s)))
	} else {
		e.op(opLong4)
		e.out = binary.LittleEndian.AppendUint32(e.out, uint32(len(s)))
	}
	e.out = append(e.out, s...)
}

func (e *encoder) float(f float64) {
	if e.protocol > 0 {
		e.op(opBinFloat)
		e.out = binary.BigEndian.AppendUint64(e.out, math.Float64bits(f))
		return
	}
	e.op(opFloat)
	e.out = strconv.AppendFloat(e.out, f, 'g', -1, 64)
	e.op('\n')
}

func (e *encoder) str(s string) {
	if !validStr(s) {
		e.fail("a string that is not UTF-8")
		return
	}
	e.sharedStr(s)
}

// sharedStr writes what is known to be valid, and returns its place in the memo
// plus one.
func (e *encoder) sharedStr(s string) uint32 {
	slot := &e.strings[hash(s)%uint32(len(e.strings))]
	if slot.place != 0 && slot.text == s {
		e.recall(slot.place - 1)
		return slot.place
	}
	e.text(s)
	place := e.memoize() + 1
	if len(s) >= len(slot.text) { // what is longer saves more
		*slot = knownString{s, place}
	}
	return place
}

// hash need not be good: who makes strings collide gains nothing but a longer
// pickle.
func hash(s string) uint32 {
	n := len(s)
	if n == 0 {
		return 0
	}
	return uint32(n)*31 + uint32(s[0])*7 + uint32(s[n/2])*17 + uint32(s[n-1])*3
}

func (e *encoder) text(s string) {
	switch {
	case e.protocol == 0:
		e.op(opUnicode)
		e.out = appendRawUnicode(e.out, s)
		e.op('\n')
		return
	case e.protocol >= 4 && len(s) <= math.MaxUint8:
		e.out = append(e.out, opShortBinUnicode, byte(len(s)))
	case uint64(len(s)) <= math.MaxUint32:
		e.op(opBinUnicode)
		e.out = binary.LittleEndian.AppendUint32(e.out, uint32(len(s)))
	default:
		e.fail("a string of more than 4 GiB")
		return
	}
	e.out = append(e.out, s...)
}

// bytes writes bytes, which protocols before 3 have not got.
func (e *encoder) bytes(s string) {
	switch {
	case e.protocol < 3 && s == "":
		e.global("builtins", "bytes")
		e.closeTuple(0)
		e.op(opReduce)
	case e.protocol < 3:
		e.global("_codecs", "encode")
		e.openTuple(2)
		e.sharedStr(fromLatin1(s))
		e.sharedStr("latin1")
		e.closeTuple(2)
		e.op(opReduce)
	case len(s) <= math.MaxUint8:
		e.out = append(e.out, opShortBinBytes, byte(len(s)))
		e.out = append(e.out, s...)
	case uint64(len(s)) <= math.MaxUint32:
		e.op(opBinBytes)
		e.out = binary.LittleEndian.AppendUint32(e.out, uint32(len(s)))
		e.out = append(e.out, s...)
	default:
		e.fail("bytes of more than 4 GiB")
		return
	}
	e.memoize()
}

// openTuple begins a tuple of n items and closeTuple ends it, without having the
// reader remember it.
func (e *encoder) openTuple(n int) {
	if e.protocol < 2 && n > 0 || n > 3 {
		e.op(opMark)
	}
}

func (e *encoder) closeTuple(n int) {
	switch {
	case n == 0 && e.protocol == 0:
		e.out = append(e.out, opMark, opTuple)
	case n == 0:
		e.op(opEmptyTuple)
	case e.protocol >= 2 && n <= 3:
		e.op(opTuple1 + opcode(n) - 1)
	default:
		e.op(opTuple)
	}
}

func (e *encoder) global(module, name string) uint32 {
	switch {
	case e.protocol >= 4:
		e.sharedStr(module)
		e.sharedStr(name)
		e.op(opStackGlobal)
	default:
		e.textGlobal(module, name)
	}
	return e.memoize() + 1
}

// time writes a datetime as its own __reduce__ does.
func (e *encoder) time(t time.Time) {
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		e.fail("a time outside the years 1 to 9999")
		return
	}
	if e.datetime == 0 {
		e.datetime = e.global("datetime", "datetime")
	} else {
		e.recall(e.datetime - 1)
	}
	e.openTuple(2)
	e.bytes(datetimeBytes(t))
	if e.utc == 0 {
		e.global("datetime", "timezone")
		e.openTuple(1)
		e.global("datetime", "timedelta")
		e.openTuple(3)
		e.int(0)
		e.int(0)
		e.int(0)
		e.closeTuple(3)
		e.op(opReduce)
		e.closeTuple(1)
		e.op(opReduce)
		e.utc = e.memoize() + 1
	} else {
		e.recall(e.utc - 1)
	}
	e.closeTuple(2)
	e.op(opReduce)
	e.memoize()
}
