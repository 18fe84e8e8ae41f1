// Package fields shows a session's dictionary to people, its credentials masked.
package fields

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/internal/human"
)

// credential matches names whose values let their reader act for somebody.
var credential = regexp.MustCompile(`(?i)token|passw|passphrase|secret|hash|csrf|xsrf|credential|api_?key|private_?key|session_?key|cookie|bearer|jwt|auth_?code|otp|signature|nonce`)

// Mask is shown in place of a credential.
const Mask = "••••••••"

// maxText bounds what is shown of one value, in bytes.
const maxText = 32 << 10

// Field is one name of a session's dictionary, as shown.
type Field struct {
	Name   string
	Kind   string
	Text   string
	Long   bool // more than a line
	Masked bool // in whole or in part
}

// Of shows a dictionary, its credentials masked unless reveal.
func Of(data map[string]any, reveal bool) []Field {
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(data)) {
		value := cloakroom.Plain(data[name])
		f := Field{Name: name, Kind: kindOf(value)}
		shown := value
		if !reveal {
			shown, f.Masked = masked(name, value)
		}
		f.Text = textOf(shown)
		f.Long = len(f.Text) > 120 || bytes.ContainsRune([]byte(f.Text), '\n')
		fields = append(fields, f)
	}
	return fields
}

// masked returns a plain value without credentials, and whether there were any.
func masked(name string, value any) (any, bool) {
	if credential.MatchString(name) {
		return Mask, true
	}
	hidden := false
	switch value := value.(type) {
	case map[string]any:
		clean := make(map[string]any, len(value))
		for name, item := range value {
			var h bool
			clean[name], h = masked(name, item)
			hidden = hidden || h
		}
		return clean, hidden
	case []any:
		clean := make([]any, len(value))
		for i, item := range value {
			var h bool
			clean[i], h = masked("", item)
			hidden = hidden || h
		}
		return clean, hidden
	default:
		return value, false
	}
}

func kindOf(value any) string {
	switch value := value.(type) {
	case nil:
		return "nothing"
	case bool:
		return "yes or no"
	case int64, float64, *big.Int:
		return "number"
	case string:
		return "text"
	case []byte:
		return "bytes"
	case time.Time:
		return "time"
	case []any:
		return human.Plural(len(value), "item")
	case map[string]any:
		return human.Plural(len(value), "name")
	default:
		return "object"
	}
}

// textOf writes a value for reading: text as it is, the rest as JSON.
func textOf(value any) string {
	text, ok := value.(string)
	if !ok {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(tagged(value)); err != nil {
			return "cannot be shown"
		}
		text = string(bytes.TrimSpace(b.Bytes()))
	}
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	return text
}

// tagged is a plain value as JSON can write it, with Cloakroom's tags for the rest.
func tagged(value any) any {
	switch value := value.(type) {
	case []byte:
		return map[string]any{"$bytes": base64.StdEncoding.EncodeToString(value)}
	case time.Time:
		return map[string]any{"$datetime": value.Format(time.RFC3339Nano)}
	case float64:
		if _, err := json.Marshal(value); err != nil { // infinite, or no number
			return map[string]any{"$float": fmt.Sprint(value)}
		}
		return value
	case map[string]any:
		out := make(map[string]any, len(value))
		for name, item := range value {
			out[name] = tagged(item)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = tagged(item)
		}
		return out
	default:
		return value
	}
}
