package pickle

import (
	"errors"
	"fmt"
)

// MarshalText writes one text, as Python's pickle.dumps does in that protocol, 0
// to 5: what Django's caches keep of a str.
func MarshalText(text string, protocol int) ([]byte, error) {
	if protocol < 0 || protocol > DefaultProtocol {
		return nil, unencodable("there is no such protocol")
	}
	e := encoders.Get().(*encoder)
	defer e.release()
	e.out, e.protocol = nil, protocol
	frame := e.begin()
	e.str(text)
	e.op(opStop)
	e.end(frame)
	return e.out, e.err
}

// UnmarshalText reads what [MarshalText] wrote, or Python did. What is anything
// but a text is an error that tells no content.
func UnmarshalText(data []byte) (string, error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	d.reset(string(data))
	root := d.run()
	if d.err == nil && d.nodes[root].kind != kindStr {
		d.err = errors.New("it is no text")
	}
	if d.err != nil {
		return "", fmt.Errorf("pickle: %w (byte %d)", d.err, d.pos)
	}
	d.settle()
	return d.str(root), nil
}
