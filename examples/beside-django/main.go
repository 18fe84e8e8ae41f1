// Command beside-django greets whoever is logged in to a Django site, and sends
// everybody else to its login page. docs/beside-django.md has the set-up.
//
//	SECRET_KEY=… go run ./examples/beside-django path/to/db.sqlite3
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/auth"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: SECRET_KEY=… beside-django path/to/db.sqlite3")
	}
	service, err := open(context.Background(), os.Args[1], os.Getenv("SECRET_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	log.Print("http://127.0.0.1:8080/")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", service.sessions.Handler(http.HandlerFunc(service.greet))))
}

type service struct {
	sessions  *cloakroom.Manager
	database  *sql.DB
	secretKey string
}

func open(ctx context.Context, path, secretKey string) (*service, error) {
	engine, err := db.Open(ctx, "sqlite:///"+path, db.WithExistingFile())
	if err != nil {
		return nil, err
	}
	sessions := cloakroom.New(engine, cloakroom.WithSecretKey(secretKey))
	if err := sessions.Err(); err != nil {
		return nil, err
	}
	database, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	return &service{sessions, database, secretKey}, nil
}

func (s *service) greet(w http.ResponseWriter, r *http.Request) {
	session, err := s.sessions.Open(r)
	if err != nil {
		http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
		return
	}
	name, err := s.user(r.Context(), session)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.Redirect(w, r, "/accounts/login/?next=/", http.StatusSeeOther)
	case err != nil:
		http.Error(w, "the users cannot be asked", http.StatusServiceUnavailable)
	default:
		fmt.Fprintf(w, "Hello %s.\n", name)
	}
}

// user is whose session it is, with the same checks that Django makes: an
// active user, a back end that the site has, and the password of today.
func (s *service) user(ctx context.Context, session *cloakroom.Session) (name string, err error) {
	id, _ := auth.UserID(session)
	if backend, _ := auth.Backend(session); backend != auth.ModelBackend {
		return "", sql.ErrNoRows
	}
	var password string
	err = s.database.QueryRowContext(ctx, "SELECT username, password FROM auth_user WHERE id = ? AND is_active", id).Scan(&name, &password)
	if err == nil && !auth.Verify(session, password, s.secretKey) {
		err = sql.ErrNoRows
	}
	return name, err
}
