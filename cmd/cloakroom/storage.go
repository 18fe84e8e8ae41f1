package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/site"
)

// secretVariable is where the secret key beside --engine is.
const secretVariable = "CLOAKROOM_SECRET_KEY"

var errNoSecretKey = &cloakroom.Error{
	Engine: "settings", Op: "read", Kind: cloakroom.ErrConfig, Reason: "there is no secret key",
	Mend: "set " + secretVariable + " to the site's SECRET_KEY, or name its settings file with --settings",
}

// debianSettings is where Debian's Horizon has its settings.
const debianSettings = "/etc/openstack-dashboard/local_settings.py"

// hasSite reports whether a site is named.
func (p *program) hasSite() bool { return p.settings != "" || p.engine != "" || p.cache != "" }

// load returns the settings that the global flags name.
func (p *program) load() (*settings.Settings, error) {
	switch {
	case p.settings != "" && (p.engine != "" || p.cache != ""):
		return nil, usage(errors.New("--settings says where sessions are, and so do --engine and --cache: give one or the other"))
	case p.settings != "":
		return settings.Load(p.settings)
	case p.engine != "":
		s := settings.FromURLs(p.engine, p.cache)
		if err := checkURLs(s); err != nil {
			return nil, err
		}
		s.GivenBy("--engine", "engine", "SESSION_SERIALIZER")
		if p.cache != "" {
			s.GivenBy("--cache", "cache")
		}
		if s.SecretKey = os.Getenv(secretVariable); s.SecretKey == "" {
			s.NoSecretKey = errNoSecretKey
		} else {
			s.GivenBy(secretVariable, "SECRET_KEY")
		}
		return s, nil
	case p.cache != "":
		return nil, usage(errors.New("--cache stands before an engine: name that with --engine"))
	}
	hint := ""
	if _, err := os.Stat(debianSettings); err == nil {
		hint = ", such as " + debianSettings
	}
	return nil, usage(fmt.Errorf("which sessions? Name a settings file with --settings%s, or an engine with --engine", hint))
}

// checkURLs refuses what is the URL of nothing, before anything is opened.
func checkURLs(s *settings.Settings) error {
	_, err := site.HasDatabase(s)
	return usage(err)
}

// open opens the engine that the global flags name. The caller closes it.
func (p *program) open(ctx context.Context) (*site.Site, error) {
	s, err := p.load()
	if err != nil {
		return nil, err
	}
	return p.openAt(ctx, s)
}

// patience is how long a server may take to answer before it is said to hang.
const patience = 10 * time.Second

func (p *program) openAt(ctx context.Context, s *settings.Settings) (*site.Site, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	opened, err := site.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	if d := describe(opened.Engine); d.BackEnd != "" && !d.Shared {
		p.Note("%s is seen by its own process alone: the site's sessions are not here", d.BackEnd)
	}
	return opened, nil
}

// describe says what an engine is.
func describe(engine cloakroom.Engine) cloakroom.Description {
	if describer, ok := cloakroom.As[cloakroom.Describer](engine); ok {
		return describer.Describe()
	}
	return cloakroom.Description{Engine: "unknown"}
}

// place is an engine in words: "db on MariaDB, horizon at 127.0.0.1:3306".
func place(d cloakroom.Description) string {
	text := d.Engine
	if d.BackEnd != "" {
		text += " on " + d.BackEnd
	}
	if d.Location != "" {
		text += ", " + d.Location
	}
	return text
}

// keyOf is the session key that an argument gives, or the first line of standard
// input for "-": the arguments of a program are there for all to see.
func (p *program) keyOf(argument string) (string, error) {
	if argument != "-" {
		return argument, nil
	}
	return p.firstLine("session key")
}

// firstLine is the first line of standard input, which has to have something.
func (p *program) firstLine(what string) (string, error) {
	line, err := p.Line()
	if line == "" && (err == nil || errors.Is(err, io.EOF)) {
		err = usage(errors.New("there is no " + what + " on standard input"))
	}
	return line, err
}
