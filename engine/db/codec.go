package db

import (
	"sync"

	"github.com/cloakroom-go/cloakroom/django/pyjson"
	"github.com/cloakroom-go/cloakroom/django/signing"
)

// codec turns a session into the text of the column session_data, and back.
type codec struct {
	serializer serializer
	signer     *signing.Signer // nil without a secret key
	legacy     bool            // write as Django before 3.1
}

// serializer is Django's SESSION_SERIALIZER. It keeps no buffer it is given.
type serializer interface {
	appendSession(dst []byte, session map[string]any) ([]byte, error)
	parseSession(data []byte) (map[string]any, error)
}

type jsonSerializer struct{}

func (jsonSerializer) appendSession(dst []byte, session map[string]any) ([]byte, error) {
	return pyjson.Append(dst, session)
}

func (jsonSerializer) parseSession(data []byte) (map[string]any, error) {
	return pyjson.Unmarshal(data)
}

func (c codec) withSecretKeys(current string, fallbacks []string) codec {
	c.signer = nil
	if current != "" {
		c.signer = signing.New(signing.SessionSalt, current, fallbacks...)
	}
	return c
}

func (c codec) ready() bool { return c.signer != nil }

func (c codec) encode(session map[string]any) (string, error) {
	buf := payloads.Get().(*[]byte)
	defer release(buf)
	var err error
	if *buf, err = c.serializer.appendSession((*buf)[:0], session); err != nil {
		return "", err
	}
	if c.legacy {
		return c.signer.SignLegacy(*buf)
	}
	return c.signer.Sign(*buf)
}

func (c codec) decode(raw string) (map[string]any, error) {
	buf := payloads.Get().(*[]byte)
	defer release(buf)
	var err error
	if *buf, _, err = c.signer.Unsign((*buf)[:0], raw, 0); err != nil {
		return nil, err
	}
	return c.serializer.parseSession(*buf)
}

var payloads = sync.Pool{New: func() any { return new([]byte) }}

// release puts a buffer back, unless one huge session made it worth forgetting.
func release(buf *[]byte) {
	if cap(*buf) < 1<<20 {
		payloads.Put(buf)
	}
}
