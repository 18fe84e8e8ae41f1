package cloakroom

import (
	"encoding/json"
	"fmt"
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
// another request adds at the same moment. Django's messages framework shows
// it too, where that keeps messages in the session.
func (s *Session) AddMessage(level Level, text string) {
	Update(s, messagesName, func(waiting string) string {
		return encodeMessages(append(decodeMessages(waiting), Message{Level: level, Text: text}))
	})
}

// Messages returns the waiting flash messages, oldest first, and forgets them.
func (s *Session) Messages() []Message {
	waiting, _ := Pop[string](s, messagesName)
	return decodeMessages(waiting)
}

func encodeMessages(messages []Message) string {
	rows := make([][]any, len(messages))
	for i, m := range messages {
		rows[i] = []any{"__json_message", 0, m.Level, m.Text, m.Tags}
	}
	encoded, _ := json.Marshal(rows) // numbers and strings only
	return string(encoded)
}

// decodeMessages passes over what is no message. Django writes 1 in the second
// place for a text that is safe HTML, which changes nothing here.
func decodeMessages(text string) []Message {
	var rows [][]any
	if json.Unmarshal([]byte(text), &rows) != nil {
		return nil
	}
	var messages []Message
	for _, row := range rows {
		if len(row) < 4 || row[0] != "__json_message" {
			continue
		}
		level, _ := row[2].(float64)
		m := Message{Level: Level(level)}
		m.Text, _ = row[3].(string)
		if len(row) > 4 {
			m.Tags, _ = row[4].(string)
		}
		messages = append(messages, m)
	}
	return messages
}
