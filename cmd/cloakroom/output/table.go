package output

import (
	"bufio"
	"strings"

	"golang.org/x/text/width"
)

// sampled is how many rows a table holds back, to learn how wide its columns are.
const sampled = 200

// Table writes rows in columns, however many there are. Close it.
type Table struct {
	output *Output
	out    *bufio.Writer
	head   []string
	held   [][]string
	widths []int // once they are known
}

// Table returns a table with these names above its columns. In a terminal that is
// too narrow the widest column is cut.
func (o *Output) Table(head ...string) *Table {
	return &Table{output: o, out: bufio.NewWriter(o.Out), head: head}
}

// Add writes a row.
func (t *Table) Add(cells ...string) error {
	for i := range cells {
		cells[i] = Clean(cells[i])
	}
	if t.widths != nil {
		return t.write(cells, "")
	}
	if t.held = append(t.held, cells); len(t.held) == sampled {
		return t.begin()
	}
	return nil
}

// Close writes what is held back.
func (t *Table) Close() error {
	if t.widths == nil && len(t.held) > 0 {
		_ = t.begin() // which Flush says again
	}
	return t.out.Flush()
}

const gap = 2

func (t *Table) begin() error {
	t.widths = make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.held...) {
		for i, cell := range row {
			t.widths[i] = max(t.widths[i], columns(cell))
		}
	}
	if room := t.output.width(); room > 0 {
		t.fit(room)
	}
	err := t.write(t.head, Bold)
	for _, row := range t.held {
		err = t.write(row, "")
	}
	t.held = nil
	return err
}

// fit takes from the widest column what is too much for the room, as long as it
// leaves something to read.
func (t *Table) fit(room int) {
	total, widest := gap*(len(t.widths)-1), 0
	for i, w := range t.widths {
		if total += w; w > t.widths[widest] {
			widest = i
		}
	}
	if over := total - room; over > 0 {
		t.widths[widest] = max(t.widths[widest]-over, 12)
	}
}

func (t *Table) write(cells []string, style Style) error {
	var line strings.Builder
	for i, cell := range cells {
		if t.output.width() > 0 {
			cell = cut(cell, t.widths[i])
		}
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", max(t.widths[i]-columns(cell), 0)+gap))
		}
	}
	text := strings.TrimRight(line.String(), " ")
	if style != "" {
		text = t.output.Styled(style, text)
	}
	_, err := t.out.WriteString(text + "\n")
	return err
}

// columns is how many columns of a terminal text takes.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens text to so many columns.
func cut(text string, room int) string {
	if columns(text) <= room {
		return text
	}
	n := 1 // the ellipsis
	for i, r := range text {
		if n += columnsOf(r); n > room {
			return text[:i] + "…"
		}
	}
	return text
}
