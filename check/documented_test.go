package check_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// produced are the findings of all tests, as in "warning pickle".
var produced sync.Map

// All tests together produce every finding that docs/check.md lists, with each of
// its severities.
func TestMain(m *testing.M) {
	code := m.Run()
	all := flag.Lookup("test.run").Value.String()+flag.Lookup("test.skip").Value.String()+flag.Lookup("test.list").Value.String() == ""
	if code == 0 && all {
		for _, finding := range documented() {
			if _, ok := produced.Load(finding); !ok {
				fmt.Fprintln(os.Stderr, "docs/check.md lists what no test produces:", finding)
				code = 1
			}
		}
	}
	os.Exit(code)
}

var (
	row      = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([^|]+) \\|")
	severity = regexp.MustCompile(`\b(error|warning|notice)\b`)
	well     = regexp.MustCompile("`([a-z-]+)`")
)

// documented are the findings of docs/check.md.
var documented = sync.OnceValue(func() (all []string) {
	text, err := os.ReadFile("../docs/check.md")
	if err != nil {
		panic(err)
	}
	for _, line := range row.FindAllStringSubmatch(string(text), -1) {
		for _, s := range severity.FindAllString(line[2], -1) {
			all = append(all, s+" "+line[1])
		}
	}
	_, end, _ := strings.Cut(string(text), "What is well is named")
	for _, id := range well.FindAllStringSubmatch(end, -1) {
		all = append(all, "ok "+id[1])
	}
	return all
})
