package cacheddb

import (
	"crypto/rand"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// leaseLife is how long a lease stays when its holder ended.
const leaseLife = 5 * time.Second

// leaseName is the name under which a lease holds what Django cannot read.
const leaseName = "_cloakroom_lease"

// noSuchClass is a class that Python does not have. Django's cached_db takes
// whatever it cannot read for a miss, and puts there what the database has.
var noSuchClass = func() pickle.Raw {
	const class = "\x80\x02}X\x10\x00\x00\x00" + leaseName + "c_cloakroom_lease\nLease\ns."
	data, _ := pickle.Unmarshal([]byte(class))
	return data[leaseName].(pickle.Raw)
}()

// newLease returns what to leave in the cache while the store is asked. No two
// are alike, so that nobody replaces another's.
func newLease() *cloakroom.Record {
	return &cloakroom.Record{
		Data:    map[string]any{leaseName: noSuchClass, "holder": rand.Text()},
		Expires: time.Now().Add(leaseLife),
	}
}

// isLease reports whether what is in the cache is a lease. Only a cache that
// keeps pickles gives the class back as one.
func isLease(r *cloakroom.Record) bool {
	_, ok := r.Data[leaseName].(pickle.Raw)
	return ok
}
