package pickle_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// BenchmarkPython reports what CPython takes for the same sessions.
func BenchmarkPython(b *testing.B) {
	var lines strings.Builder
	for name, pickled := range benchSessions(b) {
		fmt.Fprintln(&lines, name, base64.StdEncoding.EncodeToString(pickled))
	}
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), "/usr/bin/python3", "testdata/python.py", "bench")
		cmd.Stdin = strings.NewReader(lines.String())
		out, err := cmd.Output()
		if err != nil {
			b.Fatal(err)
		}
		figures := strings.Fields(string(out))
		for i := 0; i+3 < len(figures); i += 4 {
			for j, what := range []string{"append", "unmarshal"} {
				us, err := strconv.ParseFloat(figures[i+1+2*j], 64)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(us*1000, "ns/"+figures[i]+"-"+what)
			}
		}
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	for name, pickled := range benchSessions(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(pickled)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pickle.Unmarshal(pickled); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, pickled := range benchSessions(b) {
		b.Run(name, func(b *testing.B) {
			session, err := pickle.Unmarshal(pickled)
			if err != nil {
				b.Fatal(err)
			}
			var buf []byte
			b.SetBytes(int64(len(pickled)))
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = pickle.Append(buf[:0], session, pickle.DefaultProtocol); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchSessions are a session of 1 KiB with nine keys, as a signed-in user's is,
// and one of Horizon.
func benchSessions(b *testing.B) map[string][]byte {
	list := make([]any, 41)
	for i := range 40 {
		list[i] = "item"
	}
	plain, err := pickle.Marshal(map[string]any{
		"_auth_user_id":      "1",
		"_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash":    string(bytes.Repeat([]byte("9f2c"), 16)),
		"_session_expiry":    int64(3600),
		"count":              int64(41),
		"pi":                 3.25,
		"list":               list,
		"unicode":            "žluťoučký",
		"nested":             map[string]any{"a": map[string]any{"b": []any{string(bytes.Repeat([]byte("c"), 650))}}},
	}, pickle.DefaultProtocol)
	if err != nil {
		b.Fatal(err)
	}
	return map[string][]byte{"plain": plain, "Horizon": horizon(b)["cached_db.json, memcached"]}
}
