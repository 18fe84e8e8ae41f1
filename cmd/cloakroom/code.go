package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/django/pickle"
	"github.com/cloakroom-go/cloakroom/django/pyjson"
	"github.com/cloakroom-go/cloakroom/django/session"
	"github.com/cloakroom-go/cloakroom/django/signing"
	"github.com/cloakroom-go/cloakroom/django/tagged"
)

// maxRaw bounds what is decoded and encoded, in bytes.
const maxRaw = 64 << 20

// code is how a raw value is written.
type code struct {
	format, salt, serializer string
	protocol                 int
}

func (c *code) addTo(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&c.format, "format", "signed", "`NAME` of the format: signed, legacy (before Django 3.1) or pickle (in caches)")
	flags.StringVar(&c.salt, "salt", signing.SessionSalt, "`SALT` of the signature; that of signed_cookies is "+signing.CookieSalt)
	flags.StringVar(&c.serializer, "serializer", "json", "`NAME` of what a signed value holds: json or pickle; decode sees it by itself")
	flags.IntVar(&c.protocol, "protocol", pickle.DefaultProtocol, "`NUMBER` of the pickle protocol to write, 0 to 5")
}

func (c *code) check() error {
	switch {
	case !slices.Contains([]string{"signed", "legacy", "pickle"}, c.format):
		return usage(fmt.Errorf("--format %s: it is signed, legacy or pickle", c.format))
	case c.serializer != "json" && c.serializer != "pickle":
		return usage(fmt.Errorf("--serializer %s: it is json or pickle", c.serializer))
	case c.protocol < 0 || c.protocol > pickle.DefaultProtocol:
		return usage(fmt.Errorf("--protocol %d: it is 0 to %d", c.protocol, pickle.DefaultProtocol))
	}
	return nil
}

func (p *program) decodeCommand() *cobra.Command {
	var c code
	command := &cobra.Command{
		Use:   "decode",
		Short: "Decode a raw value from a table, a file, a cookie or a cache",
		Long: `Decode a raw value on standard input: the column session_data, a session file,
the cookie of signed_cookies, or what a cache holds (--format pickle). The
session comes out as JSON, in which what JSON lacks has a tag. The signature is
checked with the secret key of --settings or CLOAKROOM_SECRET_KEY; the age is
shown, not judged.`,
		Example: `  cloakroom decode --settings local_settings.py < session_data
  redis-cli get :1:django.contrib.sessions.cacheKEY |
    cloakroom decode --format pickle`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.decode(c) },
	}
	c.addTo(command)
	return command
}

func (p *program) encodeCommand() *cobra.Command {
	var c code
	command := &cobra.Command{
		Use:   "encode",
		Short: "Encode a session as Django stores it: what decode reads",
		Long: `Encode a session, as JSON on standard input, in the form in which Django stores
it: what decode reads. A pickle is binary.`,
		Example: `  echo '{"n": 1}' | cloakroom encode --settings local_settings.py
  echo '{"t": {"$tuple": [1, 2]}}' | cloakroom encode --format pickle > value`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.encode(c) },
	}
	c.addTo(command)
	return command
}

func (p *program) decode(c code) error {
	if err := c.check(); err != nil {
		return err
	}
	signer, err := p.signer(c)
	if err != nil {
		return err
	}
	raw, err := p.ReadAll(maxRaw)
	if err != nil {
		return err
	}
	payload := raw
	if c.format != "pickle" {
		var signed time.Time
		if payload, signed, err = signer.Unsign(nil, string(bytes.TrimSpace(raw)), 0); errors.Is(err, signing.ErrSignature) {
			return fmt.Errorf("%w, or with another --salt; that of signed_cookies is %s", err, signing.CookieSalt)
		} else if err != nil {
			return err
		}
		if !signed.IsZero() {
			p.Note("signed %s", when(&signed))
		}
	}
	data, err := parse(c.format, payload)
	if err != nil {
		return err
	}
	text, err := tagged.Marshal(data)
	if err != nil {
		return err
	}
	return p.Document(json.RawMessage(text))
}

// parse reads a pickle, or whichever serializer a signed value was written by.
func parse(format string, payload []byte) (map[string]any, error) {
	if format == "pickle" {
		return pickle.Unmarshal(bytes.TrimSuffix(payload, []byte("\n"))) // which redis-cli adds
	}
	decoded, err := session.New("").Parse(payload)
	return decoded.Data, err
}

// encoded is a raw value as JSON; a pickle is in base64.
type encoded struct {
	Value  string `json:"value,omitempty"`
	Pickle []byte `json:"pickle,omitempty"`
}

func (p *program) encode(c code) error {
	if err := c.check(); err != nil {
		return err
	}
	signer, err := p.signer(c)
	if err != nil {
		return err
	}
	text, err := p.ReadAll(maxRaw)
	if err != nil {
		return err
	}
	data, err := tagged.Unmarshal(text)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	var payload []byte
	if c.format == "pickle" || c.serializer == "pickle" {
		payload, err = pickle.Marshal(data, c.protocol)
	} else {
		payload, err = pyjson.Marshal(data)
	}
	if err != nil {
		return err
	}
	if c.format == "pickle" {
		if p.JSON {
			return p.Document(encoded{Pickle: payload})
		}
		return p.Binary(payload)
	}
	sign := signer.Sign
	if c.format == "legacy" {
		sign = signer.SignLegacy
	}
	value, err := sign(payload)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Document(encoded{Value: value})
	}
	p.Say("%s", value)
	return nil
}

// signer signs with the site's secret key; a pickle needs none.
func (p *program) signer(c code) (*signing.Signer, error) {
	if c.format == "pickle" {
		return nil, nil
	}
	if !p.hasSite() {
		if key := os.Getenv(secretVariable); key != "" {
			return signing.New(c.salt, key), nil
		}
		return nil, usage(errNoSecretKey)
	}
	s, err := p.load()
	if err != nil {
		return nil, err
	}
	if s.SecretKey == "" {
		return nil, cmp.Or(s.NoSecretKey, error(errNoSecretKey))
	}
	return signing.New(c.salt, s.SecretKey, s.SecretKeyFallbacks...), nil
}
