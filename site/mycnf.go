package site

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// readMyCnf reads an option file of MySQL's clients: what is in [client] and in
// the group, where one is named. Names have hyphens for underscores. The format
// is that of MySQL's manual, "Using Option Files".
func readMyCnf(path, group string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	groups := []string{"client", "client-server", "client-mariadb"}
	if group != "" {
		groups = append(groups, group)
	}
	values, reading := map[string]string{}, false
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '!':
			return nil, fmt.Errorf("line %d takes in other files, which are not read here", n) // and may have the password
		case line[0] == '[':
			name, _, closed := strings.Cut(line[1:], "]")
			if !closed {
				return nil, fmt.Errorf("line %d is no group", n)
			}
			reading = slices.Contains(groups, strings.TrimSpace(name))
		case reading:
			name, value, given := strings.Cut(line, "=")
			if value = myCnfValue(value); !given {
				value = "1"
			}
			values[strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(name), "loose-"), "_", "-")] = value
		}
	}
	return values, lines.Err()
}

var myCnfEscapes = strings.NewReplacer(`\b`, "\b", `\t`, "\t", `\n`, "\n", `\r`, "\r", `\\`, `\`, `\s`, " ")

// myCnfValue takes the quotes from a value, or the comment after it, and the
// escapes.
func myCnfValue(text string) string {
	text = strings.TrimSpace(text)
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		text = text[1 : n-1]
	} else if before, _, found := strings.Cut(text, " #"); found {
		text = strings.TrimSpace(before)
	}
	return myCnfEscapes.Replace(text)
}
