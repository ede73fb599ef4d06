package dns

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// judge reads a datagram. If it is not the reply to query id, stray says why,
// and there is no result.
func judge(b []byte, id uint16, asked *dnsmessage.Question) (r probe.Result, stray string) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	switch {
	case err != nil:
		return r, "reply is no DNS message"
	case !h.Response:
		return r, "a query in place of a reply"
	case h.ID != id:
		return r, "reply to another query"
	}
	if h.RCode != dnsmessage.RCodeSuccess {
		// Some errors come without the question (RFC 1035 §4.1.1).
		return bad("rcode = %d (%s)", h.RCode, codeName(h.RCode)), ""
	}
	q, err := p.Question()
	if err != nil || !same(&q, asked) {
		return r, "reply to another question"
	}
	if err := p.SkipAllQuestions(); err != nil {
		return bad("reply cannot be read: %v", err), ""
	}
	_, err = p.AnswerHeader()
	switch none := errors.Is(err, dnsmessage.ErrSectionDone); {
	case none && h.Truncated:
		return bad("reply is truncated, and its answer section empty"), ""
	case none:
		return bad("answer section is empty"), ""
	case err != nil:
		return bad("answer cannot be read: %v", err), ""
	}
	if err := p.SkipAnswer(); err != nil && !h.Truncated {
		return bad("answer cannot be read: %v", err), ""
	}
	return probe.Result{OK: true, Reason: probe.OK}, ""
}

func bad(format string, args ...any) probe.Result {
	return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf(format, args...)}
}

func same(a, b *dnsmessage.Question) bool {
	return a.Type == b.Type && a.Class == b.Class && strings.EqualFold(a.Name.String(), b.Name.String())
}

// codeName is what people call a response code (RFC 1035 §4.1.1 and RFC 2136
// §2.2).
func codeName(c dnsmessage.RCode) string {
	names := [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}
	if int(c) < len(names) {
		return names[c]
	}
	return "unassigned"
}
