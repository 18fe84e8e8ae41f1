package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// verb is what is done to a session.
type verb string

const (
	add    verb = "add" // under a key that is known, or by Create under a fresh one
	load   verb = "load"
	save   verb = "save"
	touch  verb = "touch"
	remove verb = "delete"
	lose   verb = "lose everything"
	end    verb = "end" // of the history
)

// question is what an engine is asked.
type question struct {
	verb
	key     string
	version int64 // to save: the value that was read
	value   int64 // to write: the session's, and its expiry
}

// answer is what it answers.
type answer struct {
	told
	state // as loaded
}

// told is what becomes of an operation.
type told string

const (
	nothing  told = "nothing"
	done     told = "done"
	missing  told = "not there"
	conflict told = "conflict"
)

// state is what there is of one session.
type state struct {
	value  int64 // 0 when there is no session
	expiry int64 // 0 when nobody said
}

// after is what an engine answers to q that keeps its promises, and what is there
// then.
func (s state) after(q question) (answer, state) {
	there := s.value != 0
	switch {
	case q.verb == lose, q.verb == remove:
		return answer{told: done}, state{}
	case q.verb == add && there:
		return answer{told: conflict}, s
	case q.verb == add:
		return answer{told: done}, state{q.value, q.value}
	case !there:
		return answer{told: missing}, s
	case q.verb == load:
		return answer{done, s}, s
	case q.verb == touch: // whatever the version
		return answer{told: done}, state{s.value, q.value}
	case s.value != q.version:
		return answer{told: conflict}, s
	}
	return answer{told: done}, state{q.value, q.value}
}

// moment is a state at a moment of the history.
type moment struct {
	state
	over bool // what has not happened never did
}

func model(o Options) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return moment{} },
		Step: func(at, input, output any) (bool, any) {
			m, q, a := at.(moment), input.(question), output.(answer)
			if q.verb == end {
				return true, moment{m.state, true}
			}
			if m.over {
				return true, m // only what nobody knows of is left
			}
			want, next := m.after(q)
			switch {
			case a.told == nothing: // it makes a difference now, or at the end none
				return next != m.state, moment{state: next}
			case o.MovedByTouch && q.verb == save && a.told == conflict && want.told == done:
				return true, m
			case o.Faults || a.expiry == 0:
				a.expiry = want.expiry
			}
			return a == want, moment{state: next}
		},
	}
}

// patience is how long it may take to find an order. Mostly it takes milliseconds.
const patience = 30 * time.Second

// check looks for an order of what was done to one session.
func check(m porcupine.Model, of []porcupine.Operation) error {
	last := int64(0)
	for _, one := range of {
		last = max(last, one.Return)
	}
	for i, one := range of {
		if one.Output.(answer).told == nothing {
			of[i].Return = last + 3
		}
	}
	of = append(of, porcupine.Operation{Input: question{verb: end}, Output: answer{}, Call: last + 1, Return: last + 2})
	switch porcupine.CheckOperationsTimeout(m, of, patience) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("no order was found in %v of\n%s", patience, described(of))
	}
	return fmt.Errorf("a session was not as if one thing had happened after the other:\n%s", described(of))
}

// described has a line for each operation: when it began and ended, whose it was,
// what it was, and what was answered.
func described(of []porcupine.Operation) string {
	slices.SortFunc(of, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var b strings.Builder
	for _, one := range of {
		q, a := one.Input.(question), one.Output.(answer)
		fmt.Fprintf(&b, "%6d to %6d  client %d  %s", one.Call, one.Return, one.ClientId, q.verb)
		if q.version != 0 {
			fmt.Fprintf(&b, " at %d", q.version)
		}
		if q.value != 0 {
			fmt.Fprintf(&b, " %d", q.value)
		}
		fmt.Fprintf(&b, ": %s", a.told)
		if a.value != 0 {
			fmt.Fprintf(&b, " %d, expires at %d", a.value, a.expiry)
		}
		b.WriteString("\n")
	}
	return b.String()
}
