package server

import (
	"bufio"
	"crypto/tls"
	"net"
	"time"
)

// ask sends a line to the server and returns the first line of its answer.
func (s *Server) ask(trust *tls.Config, line string) (string, error) {
	network, address := "tcp", s.Addr
	if s.Socket != "" {
		network, address = "unix", s.Socket
	}
	conn, err := dial(network, address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if trust != nil {
		conn = tls.Client(conn, trust)
	}
	if _, err := conn.Write([]byte(line)); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// dial connects for one question, which a server that is ready answers at once.
func dial(network, address string) (net.Conn, error) {
	const atOnce = 300 * time.Millisecond
	conn, err := net.DialTimeout(network, address, atOnce)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(atOnce))
}
