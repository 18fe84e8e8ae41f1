package python

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestBounds reads files that ask for more than anybody's settings do.
func TestBounds(t *testing.T) {
	for name, source := range map[string]string{
		"long string":       "X = 'x' * 10**9",
		"long list":         "X = [1] * 10**9",
		"doubled string":    "X = 'x'\nwhile True:\n    X += X",
		"doubled list":      "X = [1]\nwhile True:\n    X = X + X",
		"endless loop":      "while True:\n    pass",
		"many values":       "X = []\nwhile True:\n    X.append({})",
		"large number":      "X = 9 ** 9 ** 9 ** 9",
		"wide format":       "X = '%1000000000d' % 1",
		"wide f-string":     "X = f'{1:1000000000}'",
		"deep brackets":     "X = " + fill("["),
		"deep blocks":       fill("if 1:"),
		"deep indents":      deepIndents(700),
		"long sum":          "X = 1" + fill("+1"),
		"long chain":        "X = a" + fill(".a"),
		"long elif":         "if a: pass\n" + fill("elif a: pass\n"),
		"many nots":         "X = " + fill("not ") + "1",
		"many minus":        "X = " + fill("-") + "1",
		"deep f-strings":    fill("f'{"),
		"braces":            "X = f'" + fill("{{") + "'",
		"many strings":      "X = " + fill("'' "),
		"nested value":      "X = ()\nwhile True:\n    X = (X,)",
		"nested key":        "X = ()\nfor i in range(10000):\n    X = (X,)\nY = {X: 1}",
		"long keys":         "S = 'x' * 10**6\nD = {}\nfor i in range(10**6):\n    D[S] = i",
		"shared lists":      "X = [1]\nfor i in range(1000):\n    X = [X, X]\nY = X == [X, X]\nZ = str(X)",
		"contains itself":   "X = {}\nX['x'] = X\nY = str(X)\nZ = X == {'x': X}\nimport copy\nA = copy.deepcopy(X)",
		"unknown branches":  "X = list(range(1000))\n" + fill("if unknown():\n    X = 1\n"),
		"branches in try":   "X = list(range(1000))\n" + fill("try:\n    import unknown\nexcept ImportError: pass\n"),
		"insert at front":   "X = list(range(10**5))\nwhile True:\n    X.insert(0, 1)",
		"delete at front":   "X = dict(zip(range(10**5), range(10**5)))\nfor i in range(10**5):\n    del X[i]",
		"compare at length": "X = 'x' * 10**6\nY = 'x' * 10**6\nwhile X == Y: pass",
		"open brackets":     "def f():\n    " + fill("a["),
		"many statements":   fill("X = 1\n"),
		"many functions":    fill("def f(): a[0]\n"),
		"executes itself":   "exec(open(__file__).read())",
		"split":             "X = 'x,' * 500000\nwhile True:\n    X.split(',')",
		"comprehension":     "X = [1 for a in range(10**5) for b in range(10**5)]",
		"star":              "X = [1]\nwhile True:\n    X = [*X, *X]",
		"replace":           "X = ('a' * 1000).replace('', 'b' * 10**6)",
		"quotes":            fill("'"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_ = New(Host{}).bounded(filepath.Join(t.TempDir(), "settings.py"), source)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > 5*time.Second || after.TotalAlloc-before.TotalAlloc > 1<<30 {
			t.Errorf("%s: took %v and %d MiB", name, took, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}

// fill repeats s to nearly as much as a file may hold.
func fill(s string) string { return strings.Repeat(s, (maxFile-100)/len(s)) }

func deepIndents(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "if 1:\n")
	}
	return b.String()
}
