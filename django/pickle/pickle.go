// Package pickle reads and writes session dictionaries in the form of Python's
// pickle module, protocols 0 to 5, as Django's caches and its PickleSerializer
// keep them.
//
// Nothing in a pickle is ever executed or looked up. None, bool, int, float, str
// and bytes become plain values. Everything else stays [Raw]: an inert part of
// the graph that Python wrote, with its types, its classes, their arguments and
// state. It goes back equal, and what was one object in two places stays one
// object. So a token that Horizon keeps survives a save made from Go.
//
// Python strings may hold half a surrogate pair, which UTF-8 cannot say. Such a
// half becomes the three bytes that UTF-8 would use if it were allowed to
// (Python's "surrogatepass"), and goes back as the same half.
//
// The format is documented in Lib/pickletools.py of CPython.
package pickle

const (
	// DefaultProtocol is what Django's PickleSerializer and its caches write:
	// the highest there is.
	DefaultProtocol = 5

	// OtherKeys is the name that items of a session are found under whose keys
	// are no strings, which Python allows: a Raw dictionary of them. No Python
	// string can be this name.
	OtherKeys = "\xffkeys that are no strings"
)

const (
	// maxDepth is how deeply values may nest: Python's default recursion limit,
	// so that nothing which Python wrote is refused.
	maxDepth = 1000

	// maxDigits is how long an integer in text may be: Python's own limit (see
	// sys.set_int_max_str_digits), without which parsing takes quadratic time.
	maxDigits = 4300

	// maxName is how long the name of a module, class or function may be, in
	// bytes.
	maxName = 255

	// maxNested is how deep in others a class may be before protocol 4, which
	// takes a call for every step.
	maxNested = 20

	// batchSize is how many items CPython adds to a container by one opcode.
	batchSize = 1000
)
