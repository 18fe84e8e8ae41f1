package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// compares says where signatures and hashes of passwords are compared, and by what.
// None of these tells by how long it takes how much of a guess was right.
var compares = map[string]string{
	"django/signing":     "subtle.ConstantTimeCompare",
	"django/auth":        "hmac.Equal",
	"dashboard/accounts": "subtle.ConstantTimeCompare",
}

// The difference that a common comparison would make is too small for a test to
// measure on a busy machine. So this looks at the code: nothing in these rooms
// compares bytes in another way.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	for room, by := range compares {
		files, err := filepath.Glob(filepath.Join("../..", room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", room, len(files), err)
		}
		found := false
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(source), by+"(")
			for _, how := range comparisons(t, source) {
				t.Errorf("%s: %s tells by its time how much is equal: use %s", file, how, by)
			}
		}
		if !found {
			t.Errorf("%s compares nothing by %s", room, by)
		}
	}
}

// comparisons are those of whole byte slices in a file.
func comparisons(t *testing.T, source []byte) (found []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if of, ok := n.X.(*ast.Ident); ok {
				switch name := of.Name + "." + n.Sel.Name; name {
				case "bytes.Equal", "bytes.Compare", "slices.Equal", "slices.Compare", "strings.Compare", "reflect.DeepEqual":
					found = append(found, name)
				}
			}
		case *ast.BinaryExpr:
			for _, side := range []ast.Expr{n.X, n.Y} {
				call, _ := side.(*ast.CallExpr)
				if call == nil || n.Op != token.EQL && n.Op != token.NEQ {
					continue
				}
				if of, ok := call.Fun.(*ast.Ident); ok && of.Name == "string" {
					found = append(found, "string(…) "+n.Op.String())
				}
			}
		}
		return true
	})
	return found
}
