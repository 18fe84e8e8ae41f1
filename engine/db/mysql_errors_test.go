package db

import (
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/cloakroom-go/cloakroom"
)

// A server on loopback blocks nobody, so what it would say is made here. Until
// somebody unblocks it a site is answered 503, like in any other outage.
func TestBlockedByMySQL(t *testing.T) {
	t.Parallel()
	if d := diagnoseMySQL(&mysql.MySQLError{Number: 1129}); !errors.Is(d.kind, cloakroom.ErrUnavailable) {
		t.Errorf("%+v", d)
	}
}
