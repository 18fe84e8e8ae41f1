// Command counter counts a visitor's page views in a session that several
// processes may share and that survives their restart.
//
//	go run ./examples/counter
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

func main() {
	engine, err := db.Open(context.Background(), "sqlite:///counter.sqlite3")
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}

	// Django's SECRET_KEY, if a Django is to read these sessions too.
	sessions := cloakroom.New(engine, cloakroom.WithSecretKey("replace me by 50 characters that nobody knows"))

	http.Handle("/", sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Open(r)
		if err != nil {
			http.Error(w, cloakroom.Reason(err), cloakroom.HTTPStatus(err))
			return
		}
		cloakroom.Update(s, "views", func(n int) int { return n + 1 })
		views, _ := cloakroom.Get[int](s, "views")
		fmt.Fprintf(w, "You were here %d times.\n", views)
	})))
	log.Print("http://127.0.0.1:8080/")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", nil))
}
