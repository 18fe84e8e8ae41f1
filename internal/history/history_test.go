package history

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

// What can have happened is told from what cannot.
func TestCheck(t *testing.T) {
	t.Parallel()
	created := op(1, 2, question{verb: add, value: 1}, done)
	lost := op(20, 30, question{verb: lose}, done)
	for name, of := range map[string]struct {
		given   Options
		history []porcupine.Operation
		well    bool
	}{
		"one after the other": {history: []porcupine.Operation{
			created,
			loaded(3, 4, 1, 1),
			op(5, 6, question{verb: save, version: 1, value: 2}, done),
			op(7, 8, question{verb: touch, value: 3}, done),
			loaded(9, 10, 2, 3),
			op(11, 12, question{verb: save, version: 1, value: 4}, conflict),
			op(13, 14, question{verb: remove}, done),
			op(15, 16, question{verb: remove}, done),
			op(17, 18, question{verb: load}, missing),
			op(19, 20, question{verb: save, version: 2, value: 5}, missing),
			op(21, 22, question{verb: touch, value: 6}, missing),
			op(23, 24, question{verb: add, value: 7}, done),
			op(25, 26, question{verb: add, value: 8}, conflict),
			loaded(27, 28, 7, 7),
		}, well: true},
		"at the same moment, either order": {history: []porcupine.Operation{
			created,
			op(3, 9, question{verb: save, version: 1, value: 2}, done),
			loaded(4, 5, 1, 1),
			loaded(6, 7, 2, 2),
		}, well: true},
		"a back end that does not tell the expiry": {history: []porcupine.Operation{
			created, loaded(3, 4, 1, 0),
		}, well: true},

		"a blind save": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, done),
			op(5, 6, question{verb: save, version: 1, value: 3}, done),
		}},
		"two saves at once, and both the first": {history: []porcupine.Operation{
			created,
			op(3, 6, question{verb: save, version: 1, value: 2}, done),
			op(4, 5, question{verb: save, version: 1, value: 3}, done),
		}},
		"a stale read": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, done),
			loaded(5, 6, 1, 1),
		}},
		"there and back": {history: []porcupine.Operation{
			created,
			op(3, 9, question{verb: save, version: 1, value: 2}, done),
			loaded(4, 5, 2, 2),
			loaded(6, 7, 1, 1),
		}},
		"a save that was lost": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, done),
			op(5, 6, question{verb: save, version: 1, value: 3}, conflict),
			op(7, 8, question{verb: load}, missing),
		}},
		"a conflict with nobody": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, conflict),
		}},
		"a conflict that was saved": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, conflict),
			loaded(5, 6, 2, 2),
		}},
		"a revival by save": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: remove}, done),
			op(5, 6, question{verb: save, version: 1, value: 2}, done),
		}},
		"a revival by nobody": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: remove}, done),
			loaded(5, 6, 1, 1),
		}},
		"a touch without effect": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: touch, value: 2}, done),
			loaded(5, 6, 1, 1),
		}},
		"one half of a save": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, done),
			loaded(5, 6, 2, 1),
		}},
		"two sessions under one key": {history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: add, value: 2}, done),
		}},

		"moved by a touch": {given: Options{MovedByTouch: true}, history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: touch, value: 2}, done),
			op(5, 6, question{verb: save, version: 1, value: 3}, conflict),
			loaded(7, 8, 1, 2),
		}, well: true},

		"saved, without an answer": {given: faulty, history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, nothing),
			loaded(5, 6, 2, 2),
		}, well: true},
		"not saved, without an answer": {given: faulty, history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, nothing),
			loaded(5, 6, 1, 1),
		}, well: true},
		"deleted later, without an answer": {given: faulty, history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: remove}, nothing),
			loaded(5, 6, 1, 1),
			op(7, 8, question{verb: load}, missing),
		}, well: true},
		"saved before it was asked": {given: faulty, history: []porcupine.Operation{
			created,
			loaded(3, 4, 2, 2),
			op(5, 6, question{verb: save, version: 1, value: 2}, nothing),
		}},
		"saved without an answer, and taken back": {given: faulty, history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, nothing),
			loaded(5, 6, 2, 2),
			loaded(7, 8, 1, 1),
		}},
		"saved without an answer, and on top of what came later": {given: faulty, history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: save, version: 1, value: 2}, nothing),
			op(5, 6, question{verb: save, version: 1, value: 3}, done),
			loaded(7, 8, 2, 2),
		}},
		"back after a delete without an answer": {given: faulty, history: []porcupine.Operation{
			created,
			op(3, 4, question{verb: remove}, nothing),
			op(5, 6, question{verb: load}, missing),
			loaded(7, 8, 1, 1),
		}},

		"forgotten": {given: faulty, history: []porcupine.Operation{
			created, loaded(3, 4, 1, 1), lost, loaded(21, 22, 1, 1), op(31, 32, question{verb: load}, missing),
		}, well: true},
		"forgotten, and remembered": {given: faulty, history: []porcupine.Operation{
			created, lost, loaded(31, 32, 1, 1),
		}},
		"forgotten for no reason": {given: faulty, history: []porcupine.Operation{
			created, op(3, 4, question{verb: load}, missing),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := check(model(of.given), of.history); (err == nil) != of.well {
				t.Errorf("%v", err)
			}
		})
	}
}

var faulty = Options{Faults: true}

func op(call, back int64, q question, told told) porcupine.Operation {
	return porcupine.Operation{Input: q, Output: answer{told: told}, Call: call, Return: back}
}

func loaded(call, back, value, expiry int64) porcupine.Operation {
	return porcupine.Operation{Input: question{verb: load}, Output: answer{done, state{value, expiry}}, Call: call, Return: back}
}
