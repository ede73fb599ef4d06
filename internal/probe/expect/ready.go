package expect

// Names of scripts that are ready.
const (
	Redis      = "redis"
	MySQL      = "mysql"
	PostgreSQL = "postgresql"
	LDAP       = "ldap"
)

// Ready is a script for a service, nil if there is none.
func Ready(service string) []Step {
	switch service {
	// PING is answered before a password is given, or the password is asked
	// for; a server that loads its data, or that lost its master, says so.
	case Redis:
		return []Step{
			{Send: []byte("PING\r\n"), Want: []Pattern{first("+PONG\r\n"), first("-NOAUTH"), first("-NOPERM")}, Hope: "+PONG of Redis"},
			{Send: []byte("QUIT\r\n")},
		}
	// The server greets with version 10 of its protocol, or with an error: too
	// many connections, a host that is blocked (Connection Phase, Protocol
	// Handshake V10). COM_QUIT is polite; the server counts the connection as
	// aborted, so max_connect_errors ought to be large.
	case MySQL:
		return []Step{
			{Want: []Pattern{{First: true, Bytes: []byte{0, 0, 0, 0, 10}, Mask: []byte{0, 0, 0, 0xff, 0xff}}}, Hope: "the greeting of MySQL"},
			{Send: []byte{1, 0, 0, 0, 1}},
		}
	// An SSLRequest is answered by one letter (Frontend/Backend Protocol,
	// SSLRequest); a postmaster that cannot serve answers with an error, E.
	case PostgreSQL:
		return []Step{
			{Send: []byte{0, 0, 0, 8, 4, 210, 22, 47}, Want: []Pattern{first("S"), first("N")}, Hope: "S or N of PostgreSQL"},
		}
	// An anonymous bind (RFC 4511 §4.2) succeeds, or is refused by a server
	// that wants to know who asks: strongerAuthRequired,
	// inappropriateAuthentication.
	case LDAP:
		return []Step{
			{Send: []byte("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"), Want: bindAnswers(0, 8, 48), Hope: "LDAP's answer to an anonymous bind (result 0, 8 or 48)"},
			{Send: []byte("\x30\x05\x02\x01\x02\x42\x00")}, // unbind
		}
	}
	return nil
}

// bindAnswers are BindResponses with these results. Some servers write lengths
// in four bytes.
func bindAnswers(results ...byte) (all []Pattern) {
	for _, code := range results {
		all = append(all,
			Pattern{First: true, Bytes: []byte("\x30\x00\x02\x01\x01\x61\x00\x0a\x01" + string(code)), Mask: []byte("\xff\x00\xff\xff\xff\xff\x00\xff\xff\xff")},
			Pattern{
				First: true,
				Bytes: []byte("\x30\x84\x00\x00\x00\x00\x02\x01\x01\x61\x84\x00\x00\x00\x00\x0a\x01" + string(code)),
				Mask:  []byte("\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff"),
			})
	}
	return all
}

func first(text string) Pattern { return Pattern{First: true, Bytes: []byte(text)} }
