package probe

import (
	"context"
	"net"
)

// Converse connects and has talk say what is to be said, within Patience; talk
// returns what came of it, and how the connection is to end (Cut, Leave).
func (e *Endpoint) Converse(ctx context.Context, talk func(net.Conn) (r Result, end func(net.Conn))) Result {
	conn, err := e.Dial(ctx)
	if err != nil {
		return Failed(err)
	}
	stop, _ := Limit(ctx, conn, e.Patience())
	r, end := talk(conn)
	stop()
	end(conn)
	return r
}

// Parting ends a conversation in which the server, if all went well, has been
// told to hang up.
func (e *Endpoint) Parting(ok bool) func(net.Conn) {
	if !ok {
		return Cut
	}
	return func(c net.Conn) { e.Leave(c, false) }
}
