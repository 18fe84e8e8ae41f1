// Package fault is what happens to networks and disks: tests put it between an
// engine and its back end.
package fault

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy passes connections on to a server, as long as it is let. It is safe for
// concurrent use, and ends with its test.
type Proxy struct {
	Addr string // where it listens

	server   string
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	links map[*link]bool
	delay time.Duration
}

// link is a client's connection and the one to the server that belongs to it.
type link struct {
	client, server net.Conn
	stuck          chan struct{} // closed once nothing passes any more
	ended          chan struct{}
	end            sync.Once
}

// NewProxy returns a proxy before the server at addr.
func NewProxy(t testing.TB, addr string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), server: addr, listener: listener, links: map[*link]bool{}}
	p.serving.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.Reset()
		p.serving.Wait()
	})
	return p
}

// Connections is how many the server has through the proxy.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Delay has all that passes from now on take so much longer, each way.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Reset breaks every connection, as a firewall that rejects what it does not know.
func (p *Proxy) Reset() {
	for _, l := range p.open() {
		l.close()
	}
}

// HalfOpen has every connection go on without a word from the other side, as if
// that had vanished. New connections work.
func (p *Proxy) HalfOpen() {
	for _, l := range p.open() {
		select {
		case <-l.stuck:
		default:
			close(l.stuck)
		}
	}
}

func (p *Proxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*link, 0, len(p.links))
	for l := range p.links {
		all = append(all, l)
	}
	return all
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		reset(client) // as if nobody listened
		return
	}
	l := &link{client: client, server: server, stuck: make(chan struct{}), ended: make(chan struct{})}
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pass(l, server, client) })
	both.Go(func() { p.pass(l, client, server) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// piece is what arrived at a time.
type piece struct {
	bytes []byte
	due   time.Time
}

// pass carries what one side says to the other, until either ends.
func (p *Proxy) pass(l *link, to, from net.Conn) {
	defer l.close()
	pieces := make(chan piece, 1024)
	p.serving.Go(func() {
		defer close(pieces)
		for {
			buffer := make([]byte, 16<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				p.mu.Lock()
				due := time.Now().Add(p.delay)
				p.mu.Unlock()
				select {
				case pieces <- piece{buffer[:n], due}:
				case <-l.ended:
				}
			}
			if err != nil {
				return
			}
		}
	})
	for one := range pieces {
		select {
		case <-time.After(time.Until(one.due)):
		case <-l.ended:
			return
		}
		select {
		case <-l.stuck:
			continue // heard, and not passed on
		default:
		}
		if _, err := to.Write(one.bytes); err != nil {
			return
		}
	}
	select { // who was cut off hears of no end either
	case <-l.stuck:
		if from == l.server {
			<-l.ended
		}
	default:
	}
}

// close ends both connections, in which nothing is left to say.
func (l *link) close() {
	l.end.Do(func() {
		close(l.ended)
		reset(l.client)
		reset(l.server)
	})
}

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}
