package pickle

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"
)

// decoder is Python's pickle machine, save that it makes nodes of a graph where
// Python's makes objects.
type decoder struct {
	builder
	pos      int
	protocol int
	stack    []ref
	marks    []int // heights of the stack
	memo     []ref
	memoized int // how many places of the memo are taken
}

func (d *decoder) reset(text string) {
	d.builder.reset(text)
	d.stack, d.marks, d.memo = d.stack[:0], d.marks[:0], d.memo[:0]
	d.pos, d.protocol, d.memoized = 0, 0, 0
}

var (
	errTruncated = errors.New("truncated")
	errEmpty     = errors.New("the stack is empty")
	errString    = errors.New("a str that is not UTF-8")
	errNumber    = errors.New("not a number")
	errTarget    = errors.New("an item for what takes none")
)

// run carries out the opcodes up to STOP and returns the value they made.
func (d *decoder) run() ref {
	if len(d.text) > math.MaxUint32/2 {
		d.fail(errLarge)
	}
	if d.text != "" && d.text[0] != opMark {
		d.protocol = 1 // which a PROTO, the first opcode from protocol 2 on, corrects
	}
	for d.err == nil {
		switch op := d.byte(); op {
		case opStop:
			return d.pop()

		case opNone:
			d.push(d.add(kindNone, 0, 0))
		case opNewTrue:
			d.push(d.add(kindTrue, 0, 0))
		case opNewFalse:
			d.push(d.add(kindFalse, 0, 0))
		case opBinInt1:
			d.push(d.addInt(int64(d.byte())))
		case opBinInt2:
			d.push(d.addInt(int64(d.uint(2))))
		case opBinInt:
			d.push(d.addInt(int64(int32(d.uint(4)))))
		case opLong1:
			d.pushLong(d.take(uint64(d.byte())))
		case opLong4:
			d.pushLong(d.take(d.uint(4)))
		case opInt:
			d.textInt()
		case opLong:
			d.textLong()
		case opBinFloat:
			d.push(d.addFloat(math.Float64frombits(bits.ReverseBytes64(d.uint(8)))))
		case opFloat:
			d.textFloat()

		case opShortBinUnicode:
			d.pushStr(d.take(uint64(d.byte())))
		case opBinUnicode:
			d.pushStr(d.take(d.uint(4)))
		case opBinUnicode8:
			d.pushStr(d.take(d.uint(8)))
		case opUnicode:
			d.textStr()
		case opShortBinString:
			d.pushASCII(d.take(uint64(d.byte())))
		case opBinString:
			d.pushASCII(d.take(d.uint(4)))
		case opShortBinBytes:
			d.pushBytes(kindBytes, uint64(d.byte()))
		case opBinBytes:
			d.pushBytes(kindBytes, d.uint(4))
		case opBinBytes8:
			d.pushBytes(kindBytes, d.uint(8))
		case opByteArray8:
			d.pushBytes(kindByteArray, d.uint(8))

		case opMark:
			d.marks = append(d.marks, len(d.stack))
		case opPop:
			d.discard()
		case opPopMark:
			for range d.popMark() {
				d.fail(errDiscarded)
			}
		case opDup:
			top := d.pop()
			d.push(top)
			d.push(top)

		case opEmptyList:
			d.push(d.add(kindList, 0, 0))
		case opEmptyTuple:
			d.push(d.add(kindTuple, 0, 0))
		case opEmptyDict:
			d.push(d.add(kindDict, 0, 0))
		case opEmptySet:
			d.push(d.add(kindSet, 0, 0))
		case opList:
			d.collect(kindList, d.popMark())
		case opTuple:
			d.collect(kindTuple, d.popMark())
		case opFrozenSet:
			d.collect(kindFrozenSet, d.popMark())
		case opDict:
			d.collect(kindDict, d.popMark())
		case opTuple1:
			d.collect(kindTuple, d.popN(1))
		case opTuple2:
			d.collect(kindTuple, d.popN(2))
		case opTuple3:
			d.collect(kindTuple, d.popN(3))
		case opAppend:
			d.appendItems(d.popN(1))
		case opAppends:
			d.appendItems(d.popMark())
		case opSetItem:
			d.setItems(d.popN(2))
		case opSetItems:
			d.setItems(d.popMark())
		case opAddItems:
			items := d.popMark()
			if set := d.top(); d.nodes[set].kind == kindSet {
				d.extend(set, items)
			} else {
				d.fail(errTarget)
			}

		case opPut:
			d.put(d.index())
		case opBinPut:
			d.put(uint64(d.byte()))
		case opLongBinPut:
			d.put(d.uint(4))
		case opMemoize:
			d.put(uint64(d.memoized))
		case opGet:
			d.get(d.index())
		case opBinGet:
			d.get(uint64(d.byte()))
		case opLongBinGet:
			d.get(d.uint(4))

		case opGlobal:
			d.push(d.global())
		case opStackGlobal:
			names := d.popN(2)
			if len(names) == 2 && d.nodes[names[0]].kind == kindStr && d.nodes[names[1]].kind == kindStr {
				d.push(d.addGlobal(names[0], names[1]))
			} else {
				d.fail(errors.New("a global without a name"))
			}
		case opReduce:
			args := d.pop()
			d.make(object{how: reduced, class: d.pop(), args: args})
		case opNewObj:
			args := d.pop()
			d.make(object{how: newObject, class: d.pop(), args: args})
		case opNewObjEx:
			kwargs, args := d.pop(), d.pop()
			d.make(object{how: newObjectEx, class: d.pop(), args: args, kwargs: kwargs})
		case opInst:
			class := d.global()
			d.instantiate(class, d.popMark())
		case opObj:
			if operands := d.popMark(); len(operands) > 0 {
				d.instantiate(operands[0], operands[1:])
			} else {
				d.fail(errEmpty)
			}
		case opBuild:
			d.build()

		case opProto:
			if d.protocol = int(d.byte()); d.protocol > DefaultProtocol {
				d.fail(fmt.Errorf("protocol %d", d.protocol))
			}
		case opFrame:
			if d.uint(8) > uint64(len(d.text)-d.pos) {
				d.fail(errTruncated)
			}

		case opPersID, opBinPersID:
			d.fail(errors.New("a persistent id: the value is kept elsewhere"))
		case opExt1, opExt2, opExt4:
			d.fail(errors.New("an extension code: the class is named elsewhere"))
		case opNextBuffer, opReadonlyBuffer:
			d.fail(errors.New("a buffer that is kept elsewhere"))
		default:
			d.fail(fmt.Errorf("unknown opcode %#02x", op))
		}
	}
	return 0
}

func (d *decoder) byte() byte {
	if d.pos >= len(d.text) {
		d.fail(errTruncated)
		return 0
	}
	d.pos++
	return d.text[d.pos-1]
}

// uint reads an unsigned number of n bytes, little end first.
func (d *decoder) uint(n int) (u uint64) {
	if len(d.text)-d.pos < n {
		d.fail(errTruncated)
		return 0
	}
	for i := range n {
		u |= uint64(d.text[d.pos+i]) << (8 * i)
	}
	d.pos += n
	return u
}

// part is a part of the text.
type part struct{ at, size uint32 }

func (d *decoder) take(n uint64) part {
	if n > uint64(len(d.text)-d.pos) {
		d.fail(errTruncated)
		return part{}
	}
	p := part{uint32(d.pos), uint32(n)}
	d.pos += int(n)
	return p
}

func (d *decoder) in(p part) string { return d.text[p.at : p.at+p.size] }

func (d *decoder) pushStr(p part) {
	if !validStr(d.in(p)) {
		d.fail(errString)
	}
	d.push(d.add(kindStr, p.at, p.size))
}

// pushASCII reads a str of Python 2.
func (d *decoder) pushASCII(p part) {
	for _, c := range []byte(d.in(p)) {
		if c >= utf8.RuneSelf {
			d.fail(errString)
		}
	}
	d.push(d.add(kindStr, p.at, p.size))
}

func (d *decoder) pushBytes(k kind, n uint64) {
	p := d.take(n)
	d.push(d.add(k, p.at, p.size))
}

// pushLong reads an integer in two's complement, little end first.
func (d *decoder) pushLong(p part) {
	p.size = uint32(trimLong(d.in(p)))
	if p.size > 8 {
		d.push(d.add(kindBig, p.at, p.size))
		return
	}
	d.push(d.addInt(smallLong(d.in(p))))
}

func (d *decoder) push(r ref) { d.stack = append(d.stack, r) }

// floor is how much of the stack is out of reach below the last mark.
func (d *decoder) floor() int {
	if len(d.marks) == 0 {
		return 0
	}
	return d.marks[len(d.marks)-1]
}

func (d *decoder) top() ref {
	if len(d.stack) <= d.floor() {
		d.fail(errEmpty)
		return 0
	}
	return d.stack[len(d.stack)-1]
}

func (d *decoder) pop() ref {
	r := d.top()
	if r != 0 {
		d.stack = d.stack[:len(d.stack)-1]
	}
	return r
}

// popN takes n values, which stay valid until the next push.
func (d *decoder) popN(n int) []ref {
	if len(d.stack)-d.floor() < n {
		d.fail(errEmpty)
		return nil
	}
	items := d.stack[len(d.stack)-n:]
	d.stack = d.stack[:len(d.stack)-n]
	return items
}

// popMark takes the values down to the last mark, which stay valid until the
// next push.
func (d *decoder) popMark() []ref {
	if len(d.marks) == 0 {
		d.fail(errors.New("no mark"))
		return nil
	}
	floor := d.floor()
	items := d.stack[floor:]
	d.stack, d.marks = d.stack[:floor], d.marks[:len(d.marks)-1]
	return items
}

var errDiscarded = errors.New("a value that is made and thrown away")

// discard throws a value away. Python's pickler does so with the result of a
// call that it wants for its effect, or because a value contains itself.
func (d *decoder) discard() {
	if d.pop(); d.err == nil {
		d.fail(errDiscarded)
	}
}

func (d *decoder) put(i uint64) {
	// Python counts up from nought.
	if i > uint64(len(d.text)) {
		d.fail(errors.New("memo out of bounds"))
		return
	}
	for uint64(len(d.memo)) <= i {
		d.memo = append(d.memo, 0)
	}
	if d.memo[i] == 0 {
		d.memoized++
	}
	d.memo[i] = d.top()
}

func (d *decoder) get(i uint64) {
	if i >= uint64(len(d.memo)) || d.memo[i] == 0 {
		d.fail(errors.New("memo out of bounds"))
		return
	}
	d.push(d.memo[i])
}

func (d *decoder) collect(k kind, items []ref) {
	if k == kindDict && len(items)%2 != 0 {
		d.fail(errTarget)
	}
	r := d.add(k, 0, 0)
	d.extend(r, items)
	d.push(r)
}

// appendItems adds to a list, or to an object that is one.
func (d *decoder) appendItems(items []ref) {
	switch r := d.top(); d.nodes[r].kind {
	case kindList:
		d.extend(r, items)
	case kindObject:
		o := d.unbuilt(r)
		d.link(r, &o.list, items)
	default:
		d.fail(errTarget)
	}
}

// setItems adds to a dict, or to an object that is one.
func (d *decoder) setItems(items []ref) {
	if len(items)%2 != 0 {
		d.fail(errTarget)
		return
	}
	switch r := d.top(); d.nodes[r].kind {
	case kindDict:
		d.extend(r, items)
	case kindObject:
		o := d.unbuilt(r)
		d.link(r, &o.dict, items)
	default:
		d.fail(errTarget)
	}
}

// unbuilt returns an object that has no state yet: Python gives it its items
// first, and so do we when we write it.
func (d *decoder) unbuilt(r ref) *object {
	o := d.object(r)
	if o.state != 0 {
		d.fail(errors.New("an object that is built twice"))
	}
	return o
}

func (d *decoder) build() {
	state := d.pop()
	r := d.top()
	if d.nodes[r].kind != kindObject {
		d.fail(errTarget)
		return
	}
	d.unbuilt(r).state = state
	d.own(r, state)
}

func (d *decoder) make(o object) { d.push(d.addObject(o)) }

// instantiate is how Python before 2.3 made objects.
func (d *decoder) instantiate(class ref, args []ref) {
	h := reduced
	if len(args) == 0 {
		h = newObject
	}
	tuple := d.add(kindTuple, 0, 0)
	d.extend(tuple, args)
	d.make(object{how: h, class: class, args: tuple})
}
