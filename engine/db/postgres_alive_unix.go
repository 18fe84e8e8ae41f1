//go:build unix

package db

import (
	"crypto/tls"
	"net"
	"syscall"
)

// isAlive looks, without waiting, whether the server said or closed anything on
// a connection that nobody uses: a server that stops, does. To write to such a
// connection would leave open what became of a statement.
func isAlive(conn net.Conn) bool {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var quiet bool
	// Not Read, which would wait for a reader that pgx may have left behind.
	err = raw.Control(func(fd uintptr) {
		var first [1]byte
		_, _, err := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN
	})
	return err == nil && quiet
}
