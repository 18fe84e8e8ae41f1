// Package pyjson reads and writes session dictionaries in the JSON of Python's
// json module, as Django's JSONSerializer uses it: ASCII, separators without
// spaces, NaN and Infinity, integers of any size.
//
// A container that nobody touches is never taken apart: it stays [Raw] and goes
// back byte for byte, the order of its keys included.
//
// Python strings may hold half a surrogate pair, which UTF-8 cannot say. Such a
// half becomes the three bytes that UTF-8 would use if it were allowed to
// (Python's "surrogatepass"), and goes back as the same half.
package pyjson

const (
	// maxDepth is how deeply containers may nest: Python's default recursion
	// limit, so that nothing which Python wrote is refused.
	maxDepth = 1000

	// maxDigits is how long an integer may be: Python's own limit (see
	// sys.set_int_max_str_digits), without which parsing takes quadratic time.
	maxDigits = 4300
)

// Raw is a value that has not been taken apart: JSON text, checked by
// [Unmarshal]. The zero Raw is null. It implements cloakroom.Value.
type Raw struct{ text string }

// Plain decodes the value. Every call decodes anew, so the caller may change
// what it gets.
func (r Raw) Plain() any {
	if r.text == "" {
		return nil
	}
	d := decoder{text: r.text}
	v, _ := d.value(0, true) // checked before
	return v
}
