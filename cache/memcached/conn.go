package memcached

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long a silent server is waited for, if the context allows as
// much.
const patience = 5 * time.Second

// conn is a connection that speaks what sessions need of Memcached's text
// protocol; see protocol.txt of Memcached. An error leaves it good for nothing
// but Close.
type conn struct {
	net.Conn
	r        *bufio.Reader
	w        *bufio.Writer
	used     bool      // in an exchange before this one
	heard    time.Time // when that ended
	answered bool      // in this exchange, in part at least
	spent    bool      // not to be used again
}

func newConn(c net.Conn) *conn {
	return &conn{Conn: c, r: bufio.NewReader(c), w: bufio.NewWriter(c)}
}

// exchange runs commands until they are answered or ctx ends, and says whether
// the connection can be used again.
func (c *conn) exchange(ctx context.Context, talk func(*conn) error) (reusable bool, err error) {
	c.answered = false
	if err := c.await(ctx); err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	err = talk(c)
	uninterrupted := stop()
	// What came unasked would be taken for the next answer.
	return err == nil && uninterrupted && !c.spent && c.r.Buffered() == 0, err
}

// await gives the server time for its next words.
func (c *conn) await(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	return ctx.Err() // whoever ends it now finds our deadline set
}

// hadEnded reports that the server, or somebody on the way, had ended an idle
// connection before it heard the command. A server that ended while it carried
// the command out has forgotten that too, as it has everything.
func (c *conn) hadEnded(err error) bool {
	return c.used && !c.answered &&
		(errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// send sends a command of those words.
func (c *conn) send(words ...string) error {
	c.write(words...)
	return c.flush()
}

func (c *conn) write(words ...string) {
	for i, word := range words {
		if i > 0 {
			_ = c.w.WriteByte(' ') // Flush tells what failed
		}
		_, _ = c.w.WriteString(word)
	}
}

func (c *conn) flush() error {
	_, _ = c.w.WriteString("\r\n")
	return c.w.Flush()
}

// line reads a line of the answer. It is good until the next.
func (c *conn) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	c.answered = true
	return bytes.TrimSuffix(line, []byte("\r\n")), nil
}

// outcome is what became of a change.
type outcome int

const (
	done    outcome = iota
	taken           // somebody else stored something there
	missing         // there is nothing
)

func (c *conn) outcome() (outcome, error) {
	line, err := c.line()
	if err != nil {
		return 0, err
	}
	switch string(line) {
	case "STORED", "TOUCHED", "DELETED":
		return done, nil
	case "NOT_STORED", "EXISTS":
		return taken, nil
	case "NOT_FOUND":
		return missing, nil
	}
	return 0, refusal(line)
}

// change is what add, cas and set do.
type change struct {
	verb    string
	key     string
	flags   uint32
	exptime int64
	value   []byte
	cas     uint64 // for cas
}

// store changes an item. It uses no meta command: ms takes the old item away
// when the new one is too large.
func (c *conn) store(ch change) (outcome, error) {
	c.write(ch.verb, ch.key, strconv.FormatUint(uint64(ch.flags), 10),
		strconv.FormatInt(ch.exptime, 10), strconv.Itoa(len(ch.value)))
	if ch.verb == "cas" {
		_, _ = c.w.WriteString(" " + strconv.FormatUint(ch.cas, 10))
	}
	_, _ = c.w.WriteString("\r\n")
	_, _ = c.w.Write(ch.value)
	if err := c.flush(); err != nil {
		return 0, err
	}
	return c.outcome()
}

// get reads an item with its expiry, which takes Memcached 1.6. The answer
// repeats the key: no session is ever taken for another's.
func (c *conn) get(key string) (it item, found bool, err error) {
	if err := c.send("mg", key, "f", "c", "t", "k", "v"); err != nil {
		return item{}, false, err
	}
	line, err := c.line()
	if err != nil {
		return item{}, false, err
	}
	switch string(line) {
	case "EN", "EN k" + key: // not all of them repeat it here
		return item{}, false, nil
	}
	words := strings.Split(string(line), " ")
	if len(words) != 6 || words[0] != "VA" {
		return item{}, false, refusal(line)
	}
	flags, err1 := numberAfter("f", words[2])
	cas, err2 := numberAfter("c", words[3])
	it = item{flags: uint32(flags), cas: cas}
	if words[4] != "t-1" { // which is never
		var seconds uint64
		seconds, err = numberAfter("t", words[4])
		it.expires = time.Now().Add(time.Duration(seconds) * time.Second).Round(0)
	}
	size, err3 := numberAfter("", words[1])
	if errors.Join(err, err1, err2, err3) != nil || words[5] != "k"+key {
		return item{}, false, errNonsense
	}
	it.value, err = c.value(size)
	return it, err == nil, err
}

// gets reads those of several items that there are, without their expiries.
func (c *conn) gets(keys []string, found func(key string, it item)) error {
	c.write("gets")
	for _, key := range keys {
		c.write("", key)
	}
	if err := c.flush(); err != nil {
		return err
	}
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		if string(line) == "END" {
			return nil
		}
		words := strings.Split(string(line), " ")
		if len(words) != 5 || words[0] != "VALUE" {
			return refusal(line)
		}
		flags, err1 := numberAfter("", words[2])
		size, err2 := numberAfter("", words[3])
		cas, err3 := numberAfter("", words[4])
		if errors.Join(err1, err2, err3) != nil || !slices.Contains(keys, words[1]) {
			return errNonsense
		}
		value, err := c.value(size)
		if err != nil {
			return err
		}
		found(words[1], item{flags: uint32(flags), cas: cas, value: value})
	}
}

func numberAfter(letter, word string) (uint64, error) {
	digits, ok := strings.CutPrefix(word, letter)
	if !ok {
		return 0, errNonsense
	}
	return strconv.ParseUint(digits, 10, 64)
}

// value reads the data of an item. What is too large to be a session is passed
// over, and makes none.
func (c *conn) value(size uint64) ([]byte, error) {
	const end = "\r\n"
	if size > maxSession {
		_, err := io.CopyN(io.Discard, c.r, int64(min(size, 1<<40))+int64(len(end)))
		return nil, err
	}
	value := make([]byte, int(size)+len(end))
	if _, err := io.ReadFull(c.r, value); err != nil {
		return nil, err
	}
	value, ok := bytes.CutSuffix(value, []byte(end))
	if !ok {
		return nil, errNonsense
	}
	return value, nil
}
