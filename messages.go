package cloakroom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// messagesName is where Django's SessionStorage keeps flash messages, as a JSON
// text: [["__json_message", 0, level, message, extra tags], …].
const messagesName = "_messages"

// Level says how much a message matters. The numbers are Django's.
type Level int

// Django's levels.
const (
	LevelDebug   Level = 10
	LevelInfo    Level = 20
	LevelSuccess Level = 25
	LevelWarning Level = 30
	LevelError   Level = 40
)

// String returns Django's tag for the level.
func (l Level) String() string {
	switch l {
	case LevelDebug:
		return "debug"
	case LevelInfo:
		return "info"
	case LevelSuccess:
		return "success"
	case LevelWarning:
		return "warning"
	case LevelError:
		return "error"
	default:
		return fmt.Sprintf("level-%d", int(l))
	}
}

// Message is a flash message: kept until a page shows it, once.
type Message struct {
	Level Level
	Text  string
	Tags  string // extra ones, separated by spaces
}

// AddMessage adds a flash message to those that wait, also to those that
// another request adds or shows at the same moment. Django's messages framework
// shows it too, where that keeps messages in the session.
func (s *Session) AddMessage(level Level, text string) {
	row, _ := json.Marshal([]any{"__json_message", 0, level, text, ""}) // numbers and text only
	s.update(messagesName, func(old any, _ bool) change {
		return waiting(append(messageRows(old), row))
	})
}

// Messages returns the waiting flash messages, oldest first, and forgets them.
// One that another request adds at the same moment goes on waiting.
func (s *Session) Messages() []Message {
	text, _ := Get[string](s, messagesName)
	shown := messageRows(text)
	if len(shown) == 0 {
		return nil
	}
	s.update(messagesName, func(old any, _ bool) change {
		left := messageRows(old)
		for _, row := range shown {
			same := func(r json.RawMessage) bool { return bytes.Equal(r, row) }
			if i := slices.IndexFunc(left, same); i >= 0 {
				left = slices.Delete(left, i, i+1)
			}
		}
		return waiting(left)
	})
	var messages []Message
	for _, row := range shown {
		if m, ok := parseMessage(row); ok {
			messages = append(messages, m)
		}
	}
	return messages
}

// waiting is the change that leaves these rows. Rows stay as whoever added them
// wrote them: Django marks those whose text is safe HTML.
func waiting(rows []json.RawMessage) change {
	if len(rows) == 0 {
		return change{deleted: true}
	}
	text, err := json.Marshal(rows)
	return change{value: string(text), err: err}
}

func messageRows(stored any) []json.RawMessage {
	text, _ := as[string](stored)
	var rows []json.RawMessage
	if json.Unmarshal([]byte(text), &rows) != nil {
		return nil
	}
	return rows
}

// parseMessage reads a row, if it is one.
func parseMessage(row json.RawMessage) (m Message, ok bool) {
	var fields []any
	if json.Unmarshal(row, &fields) != nil || len(fields) < 4 || fields[0] != "__json_message" {
		return m, false
	}
	level, _ := fields[2].(float64)
	m.Level = Level(level)
	m.Text, _ = fields[3].(string)
	if len(fields) > 4 {
		m.Tags, _ = fields[4].(string)
	}
	return m, true
}
