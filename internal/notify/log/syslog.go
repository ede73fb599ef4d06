package log

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/holdfast-ha/holdfast/internal/event"
)

const (
	defaultSocket = "/dev/log"
	// syslogPatience is how long one datagram may wait for the system's logger.
	syslogPatience = 200 * time.Millisecond
	// syslogRetry is the pause after the logger could not be reached.
	syslogRetry = time.Second
	// maxDatagram bounds one datagram, in bytes.
	maxDatagram = 2048
)

// syslogger speaks RFC 3164 to the local logger, a datagram a record. A
// logger that is away or hangs costs records, which are counted, and no more.
type syslogger struct {
	path     string
	facility int
	ident    string
	conn     *net.UnixConn
	retry    time.Time // not before
	lost     int
	buf      []byte
}

func newSyslogger(path string, facility int, ident string) *syslogger {
	return &syslogger{path: path, facility: facility, ident: ident}
}

// severity gives RFC 3164 §4.1.1's number for a level.
func severity(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

// datagram is "<PRI>Mmm dd hh:mm:ss ident[pid]: text", the form in which
// glibc's syslog(3) writes to the local socket.
func (s *syslogger) datagram(level slog.Level, when time.Time, text string) []byte {
	b := fmt.Appendf(s.buf[:0], "<%d>%s %s[%d]: ", s.facility<<3|severity(level), when.Format(time.Stamp), s.ident, os.Getpid())
	b = appendClean(b, text)
	s.buf = b
	return b[:min(len(b), maxDatagram)]
}

func (s *syslogger) write(r *event.Record) {
	now := time.Now()
	if s.conn == nil && now.Before(s.retry) {
		s.lost++
		return
	}
	if s.lost > 0 {
		note := s.datagram(slog.LevelWarn, now, fmt.Sprintf("%d records were lost: the system's logger could not be reached", s.lost))
		if !s.send(note) {
			s.lost++
			return
		}
		s.lost = 0
	}
	if !s.send(s.datagram(r.Level, wall(r), r.What)) {
		s.lost++
	}
}

// send tries twice: the logger may have been restarted since the last record.
func (s *syslogger) send(datagram []byte) bool {
	for range 2 {
		if s.conn == nil {
			conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.path, Net: "unixgram"})
			if err != nil {
				break
			}
			s.conn = conn
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(syslogPatience))
		_, err := s.conn.Write(datagram)
		if err == nil {
			return true
		}
		hung := os.IsTimeout(err)
		s.close()
		if hung {
			break
		}
	}
	s.retry = time.Now().Add(syslogRetry)
	return false
}

func (s *syslogger) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}
