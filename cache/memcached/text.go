package memcached

import (
	"context"
	"fmt"
	"time"

	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// flagText is what the three Python clients keep beside a str, which is stored
// as it is.
const flagText = 1 << 4

// Text returns what Django's cache.set keeps of a str: a text beside the
// sessions, under a whole key such as ":1:name". The error is ErrNotFound when
// there is nothing, and ErrCorrupt when it is no text.
func (c *Cache) Text(ctx context.Context, key string) (string, error) {
	it, err := c.get(ctx, key)
	if err != nil {
		return "", err
	}
	value := it.value
	if it.flags&flagZlib != 0 {
		if value, err = decompress(value); err != nil {
			return "", corrupt(err)
		}
	}
	switch it.flags &^ flagZlib {
	case flagText:
		return string(value), nil
	case flagPickle:
		text, err := pickle.UnmarshalText(value)
		if err != nil {
			return "", corrupt(err)
		}
		return text, nil
	}
	return "", corrupt(fmt.Errorf("it is no text (flags %#x)", it.flags))
}

// SetText keeps a text as Django's cache.set does, in place of whatever is there.
func (c *Cache) SetText(ctx context.Context, key, text string, expires time.Time) error {
	s, err := c.serverOf(key)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, change{verb: "set", key: key, flags: flagText, value: []byte(text)}, expires)
	return err
}
