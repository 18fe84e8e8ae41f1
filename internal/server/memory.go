package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Memory is how many bytes of memory the server takes, with the processes that it
// has for its connections. What they share counts once.
func (s *Server) Memory() (bytes int64) {
	for _, pid := range append(s.children(), s.process.Pid) {
		rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid)) // it may have ended by itself
		_, size, _ := strings.Cut(string(rollup), "\nPss:")
		var kib int64
		_, _ = fmt.Sscan(size, &kib)
		bytes += kib << 10
	}
	return bytes
}

// children are the processes that the server has for its connections.
func (s *Server) children() (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.process.Pid))
	for _, list := range lists {
		line, _ := os.ReadFile(list)
		for word := range strings.FieldsSeq(string(line)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
