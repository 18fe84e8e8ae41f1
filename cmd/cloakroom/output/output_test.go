package output

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T) (*Output, func() string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &Output{In: file, Out: file, Err: file}, func() string {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// A table's columns are aligned, also by letters that take two, and any number of
// rows goes through it.
func TestTable(t *testing.T) {
	t.Parallel()
	o, said := open(t)
	table := o.Table("NAME", "N")
	for range sampled + 10 {
		if err := table.Add("日本", "1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Add("a\nb\x1b[2J", "2"); err != nil {
		t.Fatal(err)
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(said(), "\n")
	if lines[0] != "NAME  N" || lines[1] != "日本  1" || lines[sampled+10] != "日本  1" || lines[sampled+11] != `a\u000ab\u001b[2J  2` {
		t.Errorf("%q, %q … %q, %q", lines[0], lines[1], lines[sampled+10], lines[sampled+11])
	}
	o, said = open(t)
	if err := o.Table("NAME").Close(); err != nil || said() != "" {
		t.Errorf("a table of nothing: %q, %v", said(), err)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	table := &Table{widths: []int{9, 60, 20}}
	table.fit(80)
	if diff := cmp.Diff([]int{9, 47, 20}, table.widths); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{"short": "short", "very long": "very …", "日本語日本語": "日本…"} {
		if got := cut(text, 6); got != want {
			t.Errorf("%q cut to %q, want %q", text, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	got := wrap("one two three four five six seven eight", 20)
	if diff := cmp.Diff([]string{"one two three four", "five six seven eight"}, got); diff != "" {
		t.Error(diff)
	}
	if got := wrap("a  b", -9); got[0] != "a  b" {
		t.Errorf("%q", got)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		done, total int64
		terminal    bool
		want        string
	}{
		{0, 0, false, "cleared 0"},
		{12_000, 0, false, "cleared 12,000, 1,200/s"},
		{12_000, 48_000, false, "cleared 12,000 of 48,000 25 %, 1,200/s, 30 seconds left"},
		{12_000, 48_000, true, "cleared 12,000 of 48,000  ━━━━────────────  25 %, 1,200/s, 30 seconds left"},
		{50_000, 48_000, true, "cleared 50,000, 5,000/s"},
	} {
		p := &Progress{what: "cleared", terminal: c.terminal}
		if got := p.line(c.done, c.total, 10*time.Second); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	o, said := open(t)
	p := o.Progress("cleared")
	p.Tell(1, 2)
	p.told = p.told.Add(-tellEvery)
	p.Tell(1, 2)
	p.Close()
	if got := said(); !strings.HasPrefix(got, "cloakroom: cleared 1 of 2 50 %") || strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
}

func TestArray(t *testing.T) {
	t.Parallel()
	o, said := open(t)
	array := o.Array()
	for _, v := range []int{1, 2} {
		if err := array.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := array.Close(); err != nil || said() != "[1,\n 2]\n" {
		t.Errorf("%q, %v", said(), err)
	}
}
