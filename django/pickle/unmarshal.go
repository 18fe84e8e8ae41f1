package pickle

import (
	"errors"
	"fmt"
	"sync"
)

// Unmarshal reads the pickled dict that Django keeps for a session. All of data
// is checked. Its items become nil, bool, int64, *big.Int (beyond int64),
// float64, string and []byte, and everything else [Raw]. Items whose keys are no
// strings are found under [OtherKeys]. Data is not kept. An error tells the
// place and no content.
//
// Refused are values that contain themselves or nest deeper than 1,000, and
// pickles that refer to what is kept elsewhere (persistent ids, extension codes,
// buffers). Time and memory are linear in the length of data.
func Unmarshal(data []byte) (map[string]any, error) {
	session, _, err := UnmarshalProtocol(data)
	return session, err
}

// UnmarshalProtocol is [Unmarshal], and tells the protocol that data is in.
func UnmarshalProtocol(data []byte) (session map[string]any, protocol int, err error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	d.reset(string(data))
	root := d.run()
	if d.err == nil && d.nodes[root].kind != kindDict {
		d.err = errors.New("a session is a dict")
	}
	if d.err != nil {
		return nil, 0, fmt.Errorf("pickle: %w (byte %d)", d.err, d.pos)
	}
	return d.session(root), d.protocol, nil
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// release puts the decoder back, unless one huge session made it worth
// forgetting.
func (d *decoder) release() {
	d.text, d.err = "", nil
	if cap(d.nodes)+cap(d.links)+cap(d.stack)+cap(d.memo)+cap(d.extra) < 1<<17 {
		decoders.Put(d)
	}
}

// session returns the items of a dict.
func (b *builder) session(root ref) map[string]any {
	dict := b.nodes[root].chain()
	session := make(map[string]any, b.count(dict)/2)
	b.settle()
	var whole *graph // shared by all that stays Raw
	raw := func(r ref) Raw {
		if whole == nil {
			whole = b.finish()
		}
		return Raw{whole, r}
	}
	if others := b.otherKeys(dict); len(others) > 0 {
		r := b.add(kindDict, 0, 0)
		b.extend(r, others)
		session[OtherKeys] = raw(r)
	}
	for key, value := range b.pairs(dict) {
		if b.nodes[key].kind != kindStr {
			continue
		}
		v, ok := b.scalar(value)
		if !ok {
			v = raw(value)
		}
		session[b.str(key)] = v
	}
	return session
}

// otherKeys returns the items, key and value in turn, whose keys are no strings.
func (b *builder) otherKeys(dict chain) (items []ref) {
	for key, value := range b.pairs(dict) {
		if b.nodes[key].kind != kindStr {
			items = append(items, key, value)
		}
	}
	return items
}
