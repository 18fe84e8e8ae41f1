package djangotest

import (
	"bufio"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// process does one thing at a time.
type process struct {
	mu           sync.Mutex
	conversation *net.UnixConn
	answers      *bufio.Reader
}

//go:embed site.py
var site string

// python is where to ask for a process. It is one Python that has imported Django
// and forks for each of the sites, which are there at once; it ends with the test's
// process.
var python = sync.OnceValues(func() (*net.UnixConn, error) {
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", "-c", site)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	return ours, cmd.Start()
})

func newProcess() (*process, error) {
	asked, err := python()
	if err != nil {
		return nil, err
	}
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	if _, _, err := asked.WriteMsgUnix([]byte{0}, unix.UnixRights(int(theirs.Fd())), nil); err != nil {
		return nil, err
	}
	return &process{conversation: ours, answers: bufio.NewReader(ours)}, nil
}

func socketpair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	own := os.NewFile(uintptr(fds[0]), "")
	defer own.Close() // net has its own copy
	theirs = os.NewFile(uintptr(fds[1]), "")
	conn, err := net.FileConn(own)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

func (p *process) ask(line []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.conversation.Write(line); err != nil {
		return nil, err
	}
	return p.answers.ReadBytes('\n')
}

// end lets Django know that there is nothing more to ask, and waits for its last
// word.
func (p *process) end() error {
	defer p.conversation.Close()
	if err := p.conversation.CloseWrite(); err != nil {
		return err
	}
	if last, err := p.answers.ReadString('\n'); err != nil || last != "null\n" {
		return fmt.Errorf("it has not ended in good order: %q, %w", last, err)
	}
	return nil
}
