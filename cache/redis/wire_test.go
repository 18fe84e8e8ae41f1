package redis

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom"
)

// every way to make a value.
func everyWire() map[string]wire {
	all := map[string]wire{}
	for s, serializer := range map[string]Serializer{"pickle": Pickle, "JSON": JSON, "MessagePack": MessagePack} {
		all[s] = wire{serializer: serializer, compressor: Uncompressed}
		for c := range compressions {
			all[s+" "+compressorNames[c]] = wire{serializer: serializer, compressor: c}
		}
	}
	for protocol := range 6 {
		all["pickle protocol "+string(rune('0'+protocol))] = wire{protocol: &protocol}
	}
	return all
}

var compressorNames = map[Compressor]string{Zlib: "zlib", Gzip: "gzip", LZMA: "LZMA", LZ4: "LZ4", Zstd: "zstd"}

func everyKind() map[string]any {
	return map[string]any{
		"none": nil, "true": true, "int": int64(-300), "float": 2.0, "text": "žluťoučký 😀",
		"long": strings.Repeat("ticket ", 100), "list": []any{int64(1), []any{}, map[string]any{"a": nil}},
		"dict": map[string]any{"": "x"}, "unsigned": new(big.Int).SetUint64(1<<64 - 1),
	}
}

func TestWrittenAsAskedAndRecognized(t *testing.T) {
	t.Parallel()
	for name, w := range everyWire() {
		for what, data := range map[string]map[string]any{"everything": everyKind(), "little": {"a": int64(1)}, "nothing": {}, "nil": nil} {
			v, err := w.encode(data, form{})
			if err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
				continue
			}
			got, f, err := decode([]byte(v.value))
			if err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
				continue
			}
			if data == nil {
				data = map[string]any{}
			}
			if diff := cmp.Diff(cloakroom.Plain(data), cloakroom.Plain(got), sameNumbers); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, what, diff)
			}
			// Without a wish it goes back as it came.
			again, err := wire{}.encode(got, f)
			if err != nil || again.value != v.value {
				t.Errorf("%s, %s: goes back as another value (%v)", name, what, err)
			}
		}
	}
}

var sameNumbers = cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })

// django-redis leaves short values as they are, each compressor by a rule of
// its own.
func TestShortValuesStayUncompressed(t *testing.T) {
	t.Parallel()
	for c, how := range compressions {
		name := compressorNames[c]
		for _, length := range []int{how.above, how.above + 1} {
			value := bytes.Repeat([]byte("{"), length)
			out, err := c.compress(value)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if compressed := !bytes.Equal(out, value); compressed != (length > how.above) {
				t.Errorf("%s of %d bytes: compressed is %v", name, length, compressed)
			}
		}
	}
}

// What a real Django with a real Horizon left behind.
func TestReadsHorizon(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]form{
		"cache_redis":                     {Pickle, 4, Uncompressed},
		"cache_redis_zlib":                {Pickle, 4, Zlib},
		"django_json_cache_redis_jsonser": {JSON, 0, Uncompressed},
	} {
		text, err := os.ReadFile(filepath.Join("../../django/testdata/horizon-23", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var fixture struct {
			Value []byte `json:"value_b64"`
			Store []struct {
				Value []byte `json:"value_b64"`
			}
			Decoded map[string]any
		}
		if err := json.Unmarshal(text, &fixture); err != nil {
			t.Fatal(err)
		}
		if len(fixture.Store) > 0 {
			fixture.Value = fixture.Store[0].Value // what follows is not the session's
		}
		data, got, err := decode(fixture.Value)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(fixture.Decoded)), slices.Sorted(maps.Keys(data))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// packedByPython is what msgpack 1.0.5 for Python made of a session.
const packedByPython = "3gASo3N0cqbFvmx1xaWlZW1wdHmgo2ludCqjbmVn/6J1OMzIo2k2NM9//////////6NtaW7TgAAAAAAAAACjdTY0z///////////pWZsb2F0y0AKAAAAAAAApXdob2xly0AAAAAAAAAApHRydWXDpG5vbmXApWJ5dGVzxAIA/6RsaXN0lAGjdHdvwJLLQAwAAAAAAACQpGRpY3SCoWGBoWKRw6CAqXRpbWVzdGFtcNf/ADAoIHK9K0CjZXh0xwMqYWJjpGxvbmfZRnRpY2tldCB0aWNrZXQgdGlja2V0IHRpY2tldCB0aWNrZXQgdGlja2V0IHRpY2tldCB0aWNrZXQgdGlja2V0IHRpY2tldCA="

func TestReadsWhatPythonPacked(t *testing.T) {
	t.Parallel()
	text, err := base64.StdEncoding.DecodeString(packedByPython)
	if err != nil {
		t.Fatal(err)
	}
	data, f, err := decode(text)
	if err != nil || f != (form{MessagePack, 0, Uncompressed}) {
		t.Fatalf("%v, %v", f, err)
	}
	want := map[string]any{
		"str": "žluť", "empty": "", "int": int64(42), "neg": int64(-1), "u8": int64(200),
		"i64": int64(1<<63 - 1), "min": int64(-1 << 63), "u64": new(big.Int).SetUint64(1<<64 - 1),
		"float": 3.25, "whole": 2.0, "true": true, "none": nil, "bytes": []byte("\x00\xff"),
		"list":      []any{int64(1), "two", nil, []any{3.5, []any{}}},
		"dict":      map[string]any{"a": map[string]any{"b": []any{true}}, "": map[string]any{}},
		"timestamp": time.Unix(1925000000, 789000), "ext": []byte("abc"), "long": strings.Repeat("ticket ", 10),
	}
	if diff := cmp.Diff(cloakroom.Plain(want), cloakroom.Plain(data), sameNumbers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := wire{}.encode(data, f)
	if err != nil {
		t.Fatal(err)
	}
	// The names come in another order, and that is all.
	if len(again.value) != len(text) {
		t.Errorf("%d bytes become %d", len(text), len(again.value))
	}
	for name, value := range data {
		if p, ok := value.(packed); ok && !strings.Contains(again.value, p.text) {
			t.Errorf("%q does not go back as it came", name)
		}
	}
}

func TestUnencodable(t *testing.T) {
	t.Parallel()
	var endless []any
	for range 1000 {
		endless = []any{endless}
	}
	for name, v := range map[string]any{
		"channel": make(chan int), "beyond 64 bits": new(big.Int).Lsh(big.NewInt(1), 64),
		"no text": "\xff", "depth": endless, "year": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if _, err := (wire{serializer: MessagePack}).encode(map[string]any{"a": v}, form{}); !errors.Is(err, cloakroom.ErrUnencodable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	large := map[string]any{"a": strings.Repeat("x", maxSize)}
	for name, w := range map[string]wire{"pickle": {}, "JSON": {serializer: JSON}} {
		if _, err := w.encode(large, form{}); !errors.Is(err, cloakroom.ErrTooLarge) {
			t.Errorf("%s of %d bytes: %v", name, maxSize, err)
		}
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"empty": "", "integer": "42", "text": "hello", "pickled list": "\x80\x04]\x94.", "JSON list": "[]",
		"packed list": "\x91\x01", "MessagePack and more": "\x81\xa1a\x01\x01", "a number for a name": "\x81\x01\x01",
		"a length that lies": "\xdf\xff\xff\xff\xff", "deep MessagePack": "\x81\xa1a" + strings.Repeat("\x91", 1<<20),
		"short zlib": "\x78\x9c", "short gzip": "\x1f\x8b", "short xz": "\xfd7zXZ\x00", "short LZ4": "\x04\x22\x4d\x18",
		"short zstd": "\x28\xb5\x2f\xfd",
	} {
		if data, _, err := decode([]byte(value)); err == nil {
			t.Errorf("%s: read as %v", name, data)
		}
	}
	for name, w := range everyWire() {
		v, err := w.encode(everyKind(), form{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := decode([]byte(v.value[:len(v.value)/2])); err == nil {
			t.Errorf("%s: half a value is read", name)
		}
	}
}

// A value of some kilobytes that decompresses to more than a session may have.
func TestBombs(t *testing.T) {
	bomb := bytes.Repeat([]byte("0"), maxSize+1)
	for c, how := range compressions {
		value, err := how.compress(bomb)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, compressorNames[c], string(value))
	}

	// Streams that only ask for much memory.
	dictionary := []byte{2, 0, xzLZMA2, 1, xzDictMax, 0, 0, 0}
	header := append([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46"), dictionary...)
	header = binary.LittleEndian.AppendUint32(header, crc32.ChecksumIEEE(dictionary))
	refused(t, "xz with a dictionary of 4 GiB", string(header)+"\x01\x00\x00a\x00")

	refused(t, "zstd with a window of 2 TiB", "\x28\xb5\x2f\xfd\x00\xf8\x0b\x00\x00a")
}

func refused(t *testing.T, name, value string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := decode([]byte(value))
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Errorf("%s of %d bytes is read", name, len(value))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*maxSize {
		t.Errorf("%s of %d bytes: %d MiB were used to refuse it", name, len(value), used>>20)
	}
}

func FuzzDecode(f *testing.F) {
	for _, w := range everyWire() {
		v, err := w.encode(everyKind(), form{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(v.value))
	}
	if text, err := base64.StdEncoding.DecodeString(packedByPython); err == nil {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		data, form, err := decode(value)
		if err != nil {
			return
		}
		for _, v := range data {
			if p, ok := v.(packed); ok {
				p.Plain()
			}
		}
		again, err := wire{}.encode(data, form)
		if errors.Is(err, cloakroom.ErrUnencodable) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := decode([]byte(again.value)); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}
