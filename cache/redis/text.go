package redis

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/rueidis"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// Text returns what Django's cache.set keeps of a str: a text beside the
// sessions, under a whole key such as ":1:name". The error is ErrNotFound when
// there is nothing, and ErrCorrupt when it is no text.
func (c *Cache) Text(ctx context.Context, key string) (string, error) {
	value, err := c.client.Do(ctx, c.client.B().Get().Key(key).Build()).AsBytes()
	switch {
	case rueidis.IsRedisNil(err):
		return "", cloakroom.ErrNotFound
	case isOtherType(err):
		return "", corrupt(err)
	case err != nil:
		return "", c.failure(ctx, err)
	}
	text, err := decodeText(value)
	if err != nil {
		return "", corrupt(err)
	}
	return text, nil
}

// SetText keeps a text as Django's cache.set does, in place of whatever is there.
func (c *Cache) SetText(ctx context.Context, key, text string, expires time.Time) error {
	value, err := c.wire.encodeText(text)
	if err != nil {
		return err
	}
	life := max(lifetime(expires), 1)
	return c.failure(ctx, c.client.Do(ctx, c.client.B().Set().Key(key).Value(rueidis.BinaryString(value)).PxMilliseconds(life).Build().ToRetryable()).Error())
}

func (w wire) encodeText(text string) (value []byte, err error) {
	f := w.in(form{})
	switch f.serializer {
	case JSON:
		value, err = json.Marshal(text)
	case MessagePack:
		value, err = msgpack.Marshal(text)
	default:
		value, err = pickle.MarshalText(text, f.protocol)
	}
	if err != nil {
		return nil, err
	}
	return f.compressor.compress(value)
}

// decodeText recognizes how a text was made.
func decodeText(value []byte) (text string, err error) {
	serialized, err := recognize(value).decompress(value)
	if err != nil {
		return "", err
	}
	if len(serialized) == 0 {
		return "", errors.New("it is empty")
	}
	switch first := serialized[0]; {
	case first == '"':
		err = json.Unmarshal(serialized, &text)
	case first >= 0xa0 && first <= 0xbf, first >= 0xd9 && first <= 0xdb: // fixstr, str 8 to str 32
		err = msgpack.Unmarshal(serialized, &text)
	default:
		text, err = pickle.UnmarshalText(serialized)
	}
	return text, err
}
