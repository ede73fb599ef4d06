package grpc

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/h2"
)

// prefixLen is the length of what stands before a message: whether it is
// compressed, and its length.
const prefixLen = 5

// maxReply is how much of a reply is read; it has one small number.
const maxReply = 4 << 10

// ask is a HealthCheckRequest: field 1, the service, is a string.
func ask(service string) []byte {
	var m []byte
	if service != "" {
		m = append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service))), service...)
	}
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m))) // MaxService
	return append(b, m...)
}

// serving are the values of HealthCheckResponse.ServingStatus.
var serving = []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}

// statuses are the names of gRPC's status codes.
var statuses = []string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
	"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// answer gathers what a call brings.
type answer struct {
	http    string // :status
	status  string // grpc-status
	message string // grpc-message
	body    []byte
	long    bool
}

func (a *answer) Header(fields []h2.Field, end bool) bool {
	for _, f := range fields {
		switch f.Name {
		case ":status":
			a.http = f.Value
		case "grpc-status":
			a.status = f.Value
		case "grpc-message":
			a.message = f.Value
		}
	}
	return end
}

func (a *answer) Data(b []byte, end bool) bool {
	if len(a.body)+len(b) > maxReply {
		a.long = true
		return true
	}
	a.body = append(a.body, b...)
	return end
}

// judge says what it comes to.
func (a *answer) judge(service string) probe.Result {
	switch {
	case a.http != "200":
		return bad("HTTP status %q, expected 200", short(a.http))
	case a.long:
		return bad("reply is longer than %d bytes", maxReply)
	case a.status == "":
		return bad("no gRPC status in the answer")
	case a.status != "0":
		return bad("gRPC status %s%s", name(statuses, a.status), said(a.message))
	}
	n, ok := read(a.body)
	whose := "the server"
	if service != "" {
		whose = "service " + strconv.Quote(service)
	}
	switch {
	case !ok:
		return bad("reply cannot be read")
	case n != 1:
		return bad("%s is %s", whose, name(serving, strconv.FormatUint(n, 10)))
	}
	return probe.Result{OK: true, Reason: probe.OK}
}

// read is a HealthCheckResponse: field 1, the status, is a number; a field that
// is not there is 0.
func read(b []byte) (status uint64, ok bool) {
	if len(b) < prefixLen || b[0] != 0 || uint64(binary.BigEndian.Uint32(b[1:])) != uint64(len(b)-prefixLen) {
		return 0, false
	}
	for b = b[prefixLen:]; len(b) > 0; {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, false
		}
		b = b[n:]
		value, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, false
		}
		b = b[n:]
		switch {
		case key == 1<<3:
			status = value
		case key&7 == 0:
		case key&7 == 2 && value <= uint64(len(b)): // some field that is new
			b = b[value:]
		default:
			return 0, false
		}
	}
	return status, true
}

func name(of []string, code string) string {
	if n, err := strconv.Atoi(code); err == nil && n >= 0 && n < len(of) {
		return of[n]
	}
	return strconv.Quote(short(code))
}

func said(message string) string {
	if message == "" {
		return ""
	}
	return ": " + strconv.Quote(short(message))
}

// short bounds what a server says in a log line.
func short(s string) string { return s[:min(len(s), 80)] }

func bad(format string, args ...any) probe.Result {
	return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf(format, args...)}
}
