package site

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// options are the OPTIONS of a cache or a database, taken out one by one. What
// is left in the end is nothing that is known here, and may change what the
// settings mean.
type options struct {
	name    string // "OPTIONS", for messages
	left    map[string]any
	problem string // the first
}

func optionsOf(name string, all map[string]any) *options {
	o := &options{name: name, left: map[string]any{}}
	maps.Copy(o.left, all)
	return o
}

// take removes one and returns it. Nil is what is not there, and Python's None.
func (o *options) take(name string) any {
	value := o.left[name]
	delete(o.left, name)
	return value
}

// text takes one that is text, or a number that may be written as such.
func (o *options) text(name string) string {
	switch value := o.take(name).(type) {
	case nil:
		return ""
	case string:
		return value
	case int, int64:
		return fmt.Sprint(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		o.refuse(name)
		return ""
	}
}

// number takes one that is a whole number.
func (o *options) number(name string) (n int, there bool) {
	text := o.text(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		o.refuse(name)
	}
	return n, err == nil
}

// flag takes one that is true or false, or a number that says so.
func (o *options) flag(name string) bool {
	switch value := o.take(name).(type) {
	case nil:
		return false
	case bool:
		return value
	case int, int64, float64:
		return fmt.Sprint(value) != "0"
	default:
		o.refuse(name)
		return false
	}
}

// group takes one that has options of its own.
func (o *options) group(name string) *options {
	inner := o.name + "['" + name + "']"
	switch value := o.take(name).(type) {
	case nil:
		return optionsOf(inner, nil)
	case map[string]any:
		return optionsOf(inner, value)
	default:
		o.refuse(name)
		return optionsOf(inner, nil)
	}
}

// otherwise adds one that is not there, unless it says nothing.
func (o *options) otherwise(name string, value any) {
	if o.left[name] == nil && value != nil {
		o.left[name] = value
	}
}

// skip takes those that have no bearing on sessions here.
func (o *options) skip(names ...string) {
	for _, name := range names {
		delete(o.left, name)
	}
}

// skipEmpty takes those that change nothing as long as they say nothing.
func (o *options) skipEmpty(names ...string) {
	for _, name := range names {
		switch o.left[name] {
		case nil, "", false:
			delete(o.left, name)
		}
	}
}

func (o *options) refuse(name string) {
	if o.problem == "" {
		o.problem = fmt.Sprintf("%s['%s'] has a value that cannot be made out", o.name, name)
	}
}

// check says what is wrong with the options, all of which were taken by now.
func (o *options) check() string {
	if o.problem == "" && len(o.left) > 0 {
		o.problem = fmt.Sprintf("what %s['%s'] would change is not known here", o.name, slices.Min(slices.Collect(maps.Keys(o.left))))
	}
	return o.problem
}
