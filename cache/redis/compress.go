package redis

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compressor makes values shorter: the COMPRESSOR of django-redis.
type Compressor int

const (
	// Uncompressed is IdentityCompressor, the default.
	Uncompressed Compressor = iota + 1
	// Zlib is ZlibCompressor.
	Zlib
	// Gzip is GzipCompressor.
	Gzip
	// LZMA is LzmaCompressor.
	LZMA
	// LZ4 is Lz4Compressor.
	LZ4
	// Zstd is ZStdCompressor.
	Zstd
)

// compression is how a Compressor works.
type compression struct {
	magic      string // what compressed values begin with, and no serialized session
	above      int    // how long a value is that is worth it
	compress   func([]byte) ([]byte, error)
	decompress func([]byte) ([]byte, error)
}

// django-redis compresses nothing shorter than these lengths, and leaves what it
// cannot decompress as it is.
var compressions = map[Compressor]compression{
	Zlib: {"\x78", 15, written(func() writer { return zlib.NewWriter(nil) }), read(zlib.NewReader)},
	Gzip: {"\x1f\x8b", 15, written(func() writer { return gzip.NewWriter(nil) }), read(gzip.NewReader)},
	LZMA: {"\xfd7zXZ\x00", 100, compressXZ, decompressXZ},
	LZ4:  {"\x04\x22\x4d\x18", 15, written(newLZ4), read(openLZ4)},
	Zstd: {"\x28\xb5\x2f\xfd", 15, compressZstd, decompressZstd},
}

// recognize tells by what a value was compressed.
func recognize(value []byte) Compressor {
	for c, how := range compressions {
		if bytes.HasPrefix(value, []byte(how.magic)) {
			return c
		}
	}
	return Uncompressed
}

func (c Compressor) compress(value []byte) ([]byte, error) {
	how, ok := compressions[c]
	if !ok || len(value) <= how.above {
		return value, nil
	}
	return how.compress(value)
}

func (c Compressor) decompress(value []byte) ([]byte, error) {
	how, ok := compressions[c]
	if !ok {
		return value, nil
	}
	return how.decompress(value)
}

// writer is one that can be used again.
type writer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// written compresses with writers of a kind. They are large, and used again.
func written(fresh func() writer) func([]byte) ([]byte, error) {
	writers := sync.Pool{New: func() any { return fresh() }}
	return func(value []byte) ([]byte, error) {
		w := writers.Get().(writer)
		defer writers.Put(w)
		var out bytes.Buffer
		w.Reset(&out)
		if _, err := w.Write(value); err != nil {
			return nil, err
		}
		err := w.Close()
		return out.Bytes(), err
	}
}

// read decompresses with readers of a kind.
func read[R io.Reader](open func(io.Reader) (R, error)) func([]byte) ([]byte, error) {
	return func(value []byte) ([]byte, error) {
		r, err := open(bytes.NewReader(value))
		if err != nil {
			return nil, err
		}
		return readAll(r)
	}
}

// readAll reads as much as a session may have.
func readAll(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err == nil && len(out) > maxSize {
		err = errTooLong
	}
	return out, err
}

// newLZ4 uses the small blocks that Python does: a block is kept in memory.
func newLZ4() writer {
	w := lz4.NewWriter(nil)
	_ = w.Apply(lz4.BlockSizeOption(lz4.Block64Kb)) // fails on a writer in use
	return w
}

func openLZ4(r io.Reader) (*lz4.Reader, error) { return lz4.NewReader(r), nil }

func compressZstd(value []byte) ([]byte, error) {
	w, err := zstdWriter()
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(value, nil), nil
}

func decompressZstd(value []byte) ([]byte, error) {
	r, err := zstdReader()
	if err != nil {
		return nil, err
	}
	return r.DecodeAll(value, nil)
}

// Both are safe for concurrent use, and hold nothing but memory.
var (
	zstdWriter = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithLowerEncoderMem(true))
	})
	zstdReader = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxSize))
	})
)
