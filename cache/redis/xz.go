package redis

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"hash/crc64"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary is what Python's lzma keeps in memory at the preset that
// django-redis uses.
const maxDictionary = 4 << 20

func compressXZ(value []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := xz.WriterConfig{DictCap: min(max(len(value), lzma.MinDictCap), maxDictionary)}.NewWriter(&out)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(value); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

var errXZ = errors.New("its xz stream is none that Python writes")

// The parts of an xz stream; see https://tukaani.org/xz/xz-file-format.txt.
const (
	xzHeader    = 12   // of the stream
	xzCRC64     = 0x04 // the check that Python asks for
	xzLZMA2     = 0x21 // the filter
	xzDictMax   = 40   // the largest code of a dictionary's size
	xzAlignment = 4
)

var crc64Table = crc64.MakeTable(crc64.ECMA)

// decompressXZ reads a stream of one block, as Python writes them. It takes the
// container apart itself because a library that does would allocate a
// dictionary of the size, up to 4 GiB, that a few bytes ask for. No dictionary
// longer than all that comes out is ever of use.
func decompressXZ(value []byte) ([]byte, error) {
	if len(value) < xzHeader+2 || value[7] != xzCRC64 {
		return nil, errXZ
	}
	block := value[xzHeader:]
	header := (int(block[0]) + 1) * 4
	if block[0] == 0 || len(block) < header || header < 8 ||
		crc32.ChecksumIEEE(block[:header-4]) != binary.LittleEndian.Uint32(block[header-4:]) {
		return nil, errXZ
	}
	dictionary, err := xzDictionary(block[1 : header-4])
	if err != nil {
		return nil, err
	}
	rest := bytes.NewReader(block[header:])
	r, err := lzma.Reader2Config{DictCap: dictionary}.NewReader2(rest)
	if err != nil {
		return nil, err
	}
	out, err := readAll(r)
	if err != nil {
		return nil, err
	}
	read := len(block) - rest.Len()
	check := block[min(read+(-read&(xzAlignment-1)), len(block)):]
	if len(check) < 8 || crc64.Checksum(out, crc64Table) != binary.LittleEndian.Uint64(check) {
		return nil, errXZ
	}
	return out, nil
}

// xzDictionary reads the flags of a block, which follow its length.
func xzDictionary(flags []byte) (int, error) {
	if flags[0]&0x3f != 0 { // more than one filter, or unknown
		return 0, errXZ
	}
	filter := flags[1:]
	for _, size := range []byte{0x40, 0x80} {
		if flags[0]&size != 0 {
			_, n := binary.Uvarint(filter)
			if n <= 0 {
				return 0, errXZ
			}
			filter = filter[n:]
		}
	}
	if len(filter) < 3 || filter[0] != xzLZMA2 || filter[1] != 1 || filter[2] > xzDictMax {
		return 0, errXZ
	}
	dictionary, err := lzma.DecodeDictCap(filter[2])
	return int(min(dictionary, maxSize)), err
}
