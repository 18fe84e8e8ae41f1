package db

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/cloakroom-go/cloakroom"
)

// Created is what [CreateDatabase] did, in words such as "database horizon".
type Created struct {
	New      []string // what it created
	Existing []string // what was there already, and is left as it is but for its rights
}

// add notes one thing, if it has a name.
func (c *Created) add(what string, existed bool) {
	switch {
	case what == "":
	case existed:
		c.Existing = append(c.Existing, what)
	default:
		c.New = append(c.New, what)
	}
}

// CreateDatabase creates the database that an address names, and the user in it
// with its password, and grants that user what Django needs there. It may be
// repeated: what is there already stays. In the end it connects as that user.
//
// Admin is the address of the same server with an administrator's name and
// password; see [Administrator]. For SQLite, where it means nothing, the file is
// created.
//
// A user that is there with another password keeps it, since other programs may
// use it: that is an error which says so.
func CreateDatabase(ctx context.Context, admin, address string) (Created, error) {
	wanted, err := parseWanted(address)
	if err != nil {
		return Created{}, err
	}
	created, err := wanted.create(ctx, admin)
	if err != nil {
		return created, err
	}
	return created, tryOut(ctx, address, created)
}

// Statements returns the SQL that [CreateDatabase] runs on a server where
// nothing is yet, for an administrator to run. None is needed for SQLite.
//
// The user's password is in it. For eyes, give it the address that
// [WithoutPassword] returns, and the word PASSWORD stands in its place.
func Statements(address string) ([]string, error) {
	wanted, err := parseWanted(address)
	if err != nil {
		return nil, err
	}
	return wanted.statements(), nil
}

// WithoutPassword returns the address with the word PASSWORD for the password.
func WithoutPassword(address string) (string, error) {
	u, err := parseAddress(address)
	if err != nil || u.Scheme == "sqlite" {
		return address, err
	}
	query := u.Query()
	if query.Has("password") { // as PostgreSQL takes it too
		query.Set("password", "PASSWORD")
		u.RawQuery = query.Encode()
	} else {
		u.User = url.UserPassword(u.User.Username(), "PASSWORD")
	}
	return u.String(), nil
}

// Administrator returns the address of the server that an address names, for
// another user, whose name is root (MySQL) or postgres (PostgreSQL) if it is
// empty. How the server is reached stays: its host or socket, and TLS.
func Administrator(address, name, password string) (string, error) {
	u, err := parseAddress(address)
	if err != nil {
		return "", err
	}
	query, root := u.Query(), "root"
	u.Path = "/"
	if strings.HasPrefix(u.Scheme, "postgres") {
		root, u.Path = "postgres", "/postgres"
		for _, own := range []string{"user", "password", "dbname", "database"} {
			query.Del(own)
		}
	}
	u.RawQuery = query.Encode()
	if name == "" {
		name = root
	}
	u.User = url.User(name)
	if password != "" {
		u.User = url.UserPassword(name, password)
	}
	return u.String(), nil
}

// wanted is what an address names.
type wanted interface {
	statements() []string
	create(ctx context.Context, admin string) (Created, error)
}

func parseWanted(address string) (wanted, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "sqlite":
		path, err := sqlitePath(u)
		return wantedFile(path), err
	case "mysql", "mariadb":
		return parseMySQLWanted(u)
	}
	return parsePostgresWanted(address)
}

// wantedFile is a path. Trying it out creates the file.
type wantedFile string

func (wantedFile) statements() []string { return nil }

func (path wantedFile) create(context.Context, string) (created Created, _ error) {
	_, err := os.Stat(string(path))
	created.add("file "+string(path), err == nil)
	return created, nil
}

// tryOut connects as the user that was created, and lets the table be missing.
func tryOut(ctx context.Context, address string, created Created) error {
	e, err := Open(ctx, address)
	if err != nil {
		return refusal(err, created)
	}
	defer e.Close()
	if err = e.Ping(ctx); cloakroom.Reason(err) == missingTable.reason {
		return nil
	}
	return err
}

// refusal says why a user that is there may not log in.
func refusal(err error, created Created) error {
	known, ok := errors.AsType[*cloakroom.Error](err)
	if !ok || known.Reason != refusedUser {
		return err
	}
	failed := *known
	failed.Op, failed.Reason = "create database", "the database server refuses the new user from this machine"
	failed.Mend = "create the user for the host that the server names"
	if slices.ContainsFunc(created.Existing, func(what string) bool { return strings.HasPrefix(what, "user ") }) {
		failed.Reason = "there was such a user already, and the database server refuses it with this password"
		failed.Mend = "use the password that it has, or set this one as administrator, by ALTER USER (MySQL) or ALTER ROLE (PostgreSQL)"
	}
	return &failed
}

// adminFailure is what became of an administrator's statement.
func adminFailure(err error, diagnose func(error) diagnosis) error {
	return failure("create database", err, func(err error) diagnosis {
		found := diagnose(err)
		switch {
		case found.reason == refusedUser:
			found.reason = "the database server refuses the administrator"
			found.mend = "mend the name and password; where it lets its administrator in by its socket alone, run this as that user and name the socket in the address"
		case found == missingGrant:
			found.reason, found.mend = "the administrator may not create databases or users", "name one who may"
		}
		return found
	})
}
