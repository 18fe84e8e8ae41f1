package dashboard_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/cache/locmem"
	"github.com/cloakroom-go/cloakroom/dashboard"
)

// The Dashboard beside a program's own pages, under a path.
func ExampleNew() {
	const secretKey = "from the settings"
	sessions := cloakroom.New(locmem.Open(), cloakroom.WithErrorHandler(dashboard.ErrorHandler("/cloakroom")))
	board, err := dashboard.New(dashboard.Config{
		Sessions:  sessions,
		Accounts:  people{}, // such as accounts.Open(ctx, db)
		SecretKey: secretKey,
		BasePath:  "/cloakroom",
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/cloakroom/", board)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/cloakroom/storage", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /cloakroom/signin?next=%2Fstorage
}

type people struct{ dashboard.Accounts }
