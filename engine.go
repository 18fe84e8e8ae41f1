package cloakroom

import (
	"context"
	"iter"
	"time"
)

// Engine is a way to keep sessions: what Django names in SESSION_ENGINE.
//
// Every engine keeps these promises, and package enginetest checks them
// against its real server. An engine is safe for concurrent use. It honours the
// deadline of its context, and with one that has ended it changes nothing. Its
// errors are of type [*Error] and match a sentinel value of this package with
// [errors.Is], or are the context's own.
type Engine interface {
	// Load returns the record kept under key. The error is [ErrNotFound] when
	// there is none: never stored, expired, flushed, or a key of the wrong
	// shape. A record that is there but cannot be read (forged, truncated)
	// matches both ErrNotFound and [ErrCorrupt]. A back end that cannot be
	// asked is [ErrUnavailable], never ErrNotFound: an outage logs nobody out.
	//
	// The record's Data may be shared with other readers and must not be
	// written to.
	Load(ctx context.Context, key string) (*Record, error)

	// Create stores r under a fresh key of its own making, from a CSPRNG, and
	// sets r.Key and r.Version. It ignores any r.Key it is given and never
	// overwrites a record. An r.Version that it is given is that of the session
	// which moves to a new key: an engine that knows several forms to write it in
	// keeps to that one's.
	Create(ctx context.Context, r *Record) error

	// Save replaces the data and expiry kept under r.Key if nobody saved since
	// r.Version was read, and sets r.Version to what it wrote. Otherwise it
	// changes nothing and returns [ErrConflict], or [ErrGone] when the record
	// is no longer there: Save never brings a session back. Saving a record
	// whose expiry has passed, or is zero, ends the session on the same
	// condition.
	Save(ctx context.Context, r *Record) error

	// Delete ends the session. It is gone for every reader once Delete
	// returns. Deleting what is not there is no error.
	Delete(ctx context.Context, key string) error

	// Touch moves the expiry and leaves the data, and where it can the
	// version, as they are. It returns [ErrGone] when there is no such record.
	Touch(ctx context.Context, key string, expires time.Time) error

	// ClearExpired deletes at most limit expired records and says how many. A
	// back end that expires records by itself answers 0.
	ClearExpired(ctx context.Context, limit int) (int, error)
}

// Record is one stored session.
type Record struct {
	// Key is the session key, a credential: it belongs in no log and no URL.
	Key string

	// Data is the session's dictionary. Its values are plain (nil, bool, int64,
	// *big.Int, float64, string, []byte, time.Time, []any, map[string]any) or
	// implement [Value]. Once handed to an engine it is never written to again,
	// so an engine may keep it.
	Data map[string]any

	// Expires is when the record stops being found. Zero after a Load means
	// that the back end did not say.
	Expires time.Time

	// Version is what the engine needs to tell whether anybody saved since
	// this record was read. It means nothing to anyone else.
	Version any

	// Size is how many bytes the record takes in the back end, as loaded.
	Size int
}

// Value is a value that an engine keeps in a form of its own, such as a Python
// object that Go has no type for. A Value that nobody sets or deletes goes back
// to the back end as it came.
type Value interface {
	// Plain returns the nearest plain value, as listed at [Record.Data].
	Plain() any
}

// Signed is an Engine that signs what it stores, as Django's db, file and
// signed_cookies do. [New] hands it the keys of [WithSecretKey].
type Signed interface {
	Engine

	// WithSecretKeys returns the same engine signing with current, and
	// accepting what was signed with any of the fallbacks.
	WithSecretKeys(current string, fallbacks ...string) Engine
}

// Carrier is an Engine whose session keys carry the sessions themselves, as
// those of Django's signed_cookies do. Every save changes the key, so Create and
// Save set r.Key, and the Manager saves where it would call Touch. A key that is
// too long for one cookie is sent in several.
type Carrier interface {
	Engine

	// WithRoom returns the same engine for cookies that hold so many bytes of
	// a key each. What takes more of them than the engine may use is
	// [ErrTooLarge]. [New] says what [WithCookie] leaves.
	WithRoom(bytes int) Engine
}

// Adder is an Engine that can take over sessions from other engines, each under
// the key that it has there. Such a key was made by an engine: one that a client
// sent is never added.
type Adder interface {
	// Add stores r under r.Key and sets r.Version; it does not look at one that it
	// is given. Where a record is kept under that key already it changes nothing
	// and returns [ErrConflict], unless that has expired. A key of the wrong shape
	// is [ErrUnencodable].
	Add(ctx context.Context, r *Record) error

	// Holds returns nil if data that another engine kept come back from this one
	// as they are there. Otherwise the error is [ErrUnencodable] and says what
	// would be lost, such as a Python tuple where sessions are kept as JSON. It
	// does not ask the back end.
	Holds(data map[string]any) error
}

// Sharded is an Engine whose sessions are spread over several servers, each of
// which may be away without the others.
type Sharded interface {
	// Shards is how many servers there are.
	Shards() int

	// Shard is the number of the one that has the session under key, from 0.
	Shard(key string) int

	// PingShard returns nil if that one answers.
	PingShard(ctx context.Context, shard int) error
}

// Lister is an Engine that can go through its live sessions.
type Lister interface {
	// List yields every live record, in no promised order, reading a page at a
	// time so that a large store is never held in memory. Records that cannot
	// be read are passed over. After an error it stops.
	List(ctx context.Context) iter.Seq2[*Record, error]
}

// Pinger is an Engine that can tell whether its back end answers.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Measurer is an Engine that can tell how much it keeps.
type Measurer interface {
	Stats(ctx context.Context) (Stats, error)
}

// Stats is how much an engine keeps.
type Stats struct {
	Live    int64 // sessions that Load would find
	Expired int64 // records that ClearExpired would delete
	Bytes   int64 // what all of it takes in the back end
	Corrupt int64 // unreadable records that this process met since it started
}

// Describer is an Engine that can say what it is and what that means.
type Describer interface {
	Describe() Description
}

// Description says what an engine is, for people.
type Description struct {
	Engine     string // Django's word for it: "db", "cache", "signed_cookies"
	BackEnd    string // what it stands on: "SQLite", "local memory", "Redis"
	Location   string // where that is, without credentials
	Persistent bool   // sessions survive a restart of everything
	Shared     bool   // several processes see the same sessions
}
