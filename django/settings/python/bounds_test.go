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
		"deep brackets":     "X = " + strings.Repeat("[", 1<<19),
		"deep blocks":       strings.Repeat("if 1:", 1<<17),
		"deep indents":      deepIndents(1000),
		"long sum":          "X = 1" + strings.Repeat("+1", 1<<18),
		"long chain":        "X = a" + strings.Repeat(".a", 1<<18),
		"long elif":         "if a: pass\n" + strings.Repeat("elif a: pass\n", 1<<15),
		"many nots":         "X = " + strings.Repeat("not ", 1<<17) + "1",
		"many minus":        "X = " + strings.Repeat("-", 1<<19) + "1",
		"deep f-strings":    strings.Repeat("f'{", 1<<17),
		"braces":            "X = f'" + strings.Repeat("{{", 1<<18) + "'",
		"many strings":      "X = " + strings.Repeat("'' ", 1<<18),
		"nested value":      "X = ()\nwhile True:\n    X = (X,)",
		"nested key":        "X = ()\nfor i in range(10000):\n    X = (X,)\nY = {X: 1}",
		"long keys":         "S = 'x' * 10**6\nD = {}\nfor i in range(10**6):\n    D[S] = i",
		"shared lists":      "X = [1]\nfor i in range(1000):\n    X = [X, X]\nY = X == [X, X]\nZ = str(X)",
		"contains itself":   "X = {}\nX['x'] = X\nY = str(X)\nZ = X == {'x': X}\nimport copy\nA = copy.deepcopy(X)",
		"unknown branches":  "X = list(range(1000))\n" + strings.Repeat("if unknown():\n    X = 1\n", 1<<14),
		"branches in try":   "X = list(range(1000))\n" + strings.Repeat("try:\n    import unknown\nexcept ImportError: pass\n", 1<<14),
		"insert at front":   "X = list(range(10**5))\nwhile True:\n    X.insert(0, 1)",
		"delete at front":   "X = dict(zip(range(10**5), range(10**5)))\nfor i in range(10**5):\n    del X[i]",
		"compare at length": "X = 'x' * 10**6\nY = 'x' * 10**6\nwhile X == Y: pass",
		"open brackets":     "def f():\n    " + strings.Repeat("a[", 1<<19),
		"many statements":   strings.Repeat("X = 1\n", 1<<17),
		"many functions":    strings.Repeat("def f(): a[0]\n", 1<<15),
		"executes itself":   "exec(open(__file__).read())",
		"split":             "X = 'x,' * 500000\nwhile True:\n    X.split(',')",
		"comprehension":     "X = [1 for a in range(10**5) for b in range(10**5)]",
		"star":              "X = [1]\nwhile True:\n    X = [*X, *X]",
		"replace":           "X = ('a' * 1000).replace('', 'b' * 10**6)",
		"quotes":            strings.Repeat("'", 1<<19),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_ = New(Host{}).bounded(filepath.Join(t.TempDir(), "settings.py"), source)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > 3*time.Second || after.TotalAlloc-before.TotalAlloc > 1<<30 {
			t.Errorf("%s: took %v and %d MiB", name, took, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}

func deepIndents(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "if 1:\n")
	}
	return b.String()
}
