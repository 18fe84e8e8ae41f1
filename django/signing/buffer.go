package signing

import (
	"bytes"
	"encoding/base64"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// buffer is what signing and verifying one value need besides their result.
// Above all the compressor, which takes longer to make than to use, is reused.
type buffer struct {
	text, data []byte
	deflated   bytes.Buffer
	deflate    *zlib.Writer
	huffman    *zlib.Writer
	compressed bytes.Reader
	inflate    io.ReadCloser
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// release puts b back, unless one huge value made it worth forgetting.
func (b *buffer) release() {
	if cap(b.text)+cap(b.data)+b.deflated.Cap() < 1<<20 {
		buffers.Put(b)
	}
}

// compress returns data compressed, in b's memory, at level 6 as Python does.
func (b *buffer) compress(data []byte) ([]byte, error) {
	compressed, err := b.compressAt(zlib.DefaultCompression, &b.deflate, data)
	if err == nil && len(compressed) >= len(data) {
		// Where nothing repeats, as in a token, the library gives up. Python
		// still saves a quarter, which a cookie may need.
		return b.compressAt(zlib.HuffmanOnly, &b.huffman, data)
	}
	return compressed, err
}

func (b *buffer) compressAt(level int, w **zlib.Writer, data []byte) ([]byte, error) {
	b.deflated.Reset()
	if *w == nil {
		var err error
		if *w, err = zlib.NewWriterLevel(&b.deflated, level); err != nil {
			return nil, err
		}
	} else {
		(*w).Reset(&b.deflated)
	}
	if _, err := (*w).Write(data); err != nil {
		return nil, err
	}
	err := (*w).Close()
	return b.deflated.Bytes(), err
}

// unpack appends the payload of a verified value to dst.
func (b *buffer) unpack(dst, value []byte) ([]byte, error) {
	value, dotted := bytes.CutPrefix(value, []byte("."))
	if !dotted {
		out, err := base64.RawURLEncoding.AppendDecode(dst, value)
		switch {
		case err != nil:
			return dst, ErrMalformed
		case len(out)-len(dst) > MaxPayload:
			return dst, ErrTooLarge
		}
		return out, nil
	}
	var err error
	if b.data, err = base64.RawURLEncoding.AppendDecode(b.data[:0], value); err != nil {
		return dst, ErrMalformed
	}
	return b.decompress(dst)
}

// decompress appends to dst what b.data is compressed from.
func (b *buffer) decompress(dst []byte) ([]byte, error) {
	b.compressed.Reset(b.data)
	var err error
	if b.inflate == nil {
		b.inflate, err = zlib.NewReader(&b.compressed)
	} else {
		err = b.inflate.(zlib.Resetter).Reset(&b.compressed, nil)
	}
	if err != nil {
		return dst, ErrMalformed
	}
	out := slices.Grow(dst, min(4*len(b.data), MaxPayload)) // session data shrinks to a third or so
	for {
		n, err := b.inflate.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case len(out)-len(dst) > MaxPayload:
			return dst, ErrTooLarge
		case err == io.EOF:
			return out, nil
		case err != nil:
			return dst, ErrMalformed
		}
		out = slices.Grow(out, 1)
	}
}
