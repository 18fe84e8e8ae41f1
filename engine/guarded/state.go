package guarded

// Circuit says whether the back end is asked.
type Circuit int

const (
	Closed   Circuit = iota // every call asks it
	Open                    // none does
	HalfOpen                // the next one does, to find out whether it is back
)

// String is "closed", "open" or "half-open".
func (c Circuit) String() string { return [...]string{"closed", "open", "half-open"}[c] }

// State is what a guard sees.
type State struct {
	Circuit  Circuit // of several servers the one that is worst off
	UnderWay int     // calls that the back end is being asked
	Waiting  int     // calls that wait for their turn
	Refused  int64   // calls, since the start, that were answered without asking
}

// State says how things are. It costs nothing.
func (e *Engine) State() State {
	var s State
	s.add(e.newSessions)
	for _, one := range e.servers {
		s.add(one.room)
		switch {
		case one.circuit.IsClosed():
		case one.circuit.Wait() > 0:
			s.Circuit = Open
		case s.Circuit == Closed:
			s.Circuit = HalfOpen
		}
	}
	return s
}

func (s *State) add(r *room) {
	s.UnderWay += len(r.turns)
	s.Waiting += int(r.waiting.Load())
	s.Refused += r.refused.Load()
}
