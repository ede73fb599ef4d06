package probe

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Who ends a connection first remembers it for a minute (TIME_WAIT), and of ten
// thousand checks a second that would be a pile. A reset leaves nothing, but a
// server in the midst of its answer may log an error. So where the server is to
// end the connection by its protocol, it is given the time to; these bound it.
const (
	// Goodbye is how long a server may take to close its side after its answer.
	Goodbye = 500 * time.Millisecond
	// MaxGoodbye is how much it may still send meanwhile, in bytes.
	MaxGoodbye = 256 << 10
	// MaxLeaving is how many connections wait for that at once; the rest are
	// reset.
	MaxLeaving = 1024
)

var leaving atomic.Int32

// Leave closes a connection to it that the server is to close first, and waits for
// that beside the caller, for Goodbye at most; then it ends with a reset, or,
// after a farewell, as usual. A port that is bound to is needed again at once.
func (e *Endpoint) Leave(conn net.Conn, farewell bool) {
	if leaving.Add(1) > MaxLeaving || e.BindPort != 0 {
		leaving.Add(-1)
		Cut(conn)
		return
	}
	go func() {
		defer leaving.Add(-1)
		err := conn.SetReadDeadline(time.Now().Add(Goodbye))
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(conn, MaxGoodbye))
		}
		if err == nil || farewell {
			_ = conn.Close()
			return
		}
		Cut(conn)
	}()
}

// Cut closes a connection with a reset.
func Cut(conn net.Conn) {
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}
