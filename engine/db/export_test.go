package db

// CloseIdle closes every connection that is not in use, so that the next use
// has to open the file again.
func (e *Engine) CloseIdle() {
	for _, p := range []*pool{e.read, e.write} {
		open := p.Stats().MaxOpenConnections
		p.SetMaxIdleConns(-1)
		p.SetMaxIdleConns(open)
	}
}
