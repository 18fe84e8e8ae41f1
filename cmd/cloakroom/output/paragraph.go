package output

import (
	"regexp"
	"strings"
)

// Paragraph writes text beside a label that takes so many columns, over as many
// lines as a terminal needs.
func (o *Output) Paragraph(label string, room int, text string) {
	label += strings.Repeat(" ", max(room-columns(styling.ReplaceAllString(label, "")), 0))
	indent := strings.Repeat(" ", room)
	for i, line := range wrap(Clean(text), o.width()-room) {
		if i > 0 {
			label = indent
		}
		o.Say("%s%s", label, line)
	}
}

var styling = regexp.MustCompile("\x1b\\[[0-9]*m")

// wrap breaks text between words; not at all where there is no room to speak of.
func wrap(text string, room int) []string {
	if room < 20 {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && columns(line)+1+columns(word) > room {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
