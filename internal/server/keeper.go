package server

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// keeper is a process that outlives the test's by a moment, to end the server
// and remove its folder. The end of its input tells it that the test is over,
// however that came about.
type keeper struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

// keep reads the server's process id, 0 when it has none. SIGQUIT ends all of
// PostgreSQL's processes, and any other server.
const keep = `
pid=0
while read -r line; do pid=$line; done
end() { kill -s "$1" "$pid" 2>/dev/null; }
if [ "$pid" != 0 ]; then
	end QUIT
	end CONT
	tries=0
	while end 0 && [ $tries -lt 250 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	[ $tries -lt 250 ] || end KILL
fi
rm -rf "$1" || { sleep 1 && rm -rf "$1"; }
`

func newKeeper(dir string) (*keeper, error) {
	cmd := exec.Command("/bin/sh", "-c", keep, "keeper", dir)
	// Ctrl-C ends the test and is none of the keeper's concern.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &keeper{cmd, input}, cmd.Start()
}

// watch tells the keeper whom to end, 0 for nobody.
func (k *keeper) watch(pid int) { fmt.Fprintln(k.input, pid) }

func (k *keeper) close() error {
	k.input.Close()
	return k.cmd.Wait()
}
