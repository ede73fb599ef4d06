// Package agentx is the format of AgentX (RFC 2741), in which an SNMP master
// agent speaks with subagents: values from bytes and back.
//
// Parse takes what either side sends, in either byte order; Append writes in
// network order. What is asked and answered, and over what, is the business of
// notify/snmp.
package agentx

import "strconv"

// HeaderLen is the length of what every PDU begins with, in bytes.
const HeaderLen = 20

// MaxPayload bounds what follows a header, in bytes. An SNMP message over UDP
// has at most 64 KiB, and names take more room here than there.
const MaxPayload = 256 << 10

// MaxRanges bounds how many objects one request asks for, and how many an
// answer has.
const MaxRanges = 4096

// Kind is the type of a PDU, in RFC 2741's numbers (§6.1).
type Kind uint8

// The PDUs that a subagent sends or gets. Those that allocate indices and
// announce capabilities are not here.
const (
	KindOpen       Kind = 1
	KindClose      Kind = 2
	KindRegister   Kind = 3
	KindUnregister Kind = 4
	KindGet        Kind = 5
	KindGetNext    Kind = 6
	KindGetBulk    Kind = 7
	KindTestSet    Kind = 8
	KindCommitSet  Kind = 9
	KindUndoSet    Kind = 10
	KindCleanupSet Kind = 11
	KindNotify     Kind = 12
	KindPing       Kind = 13
	KindResponse   Kind = 18
)

// PDU is one message: who speaks with whom about what, and what is said.
type PDU struct {
	Session     uint32
	Transaction uint32
	Packet      uint32 // a Response has its request's
	// Context is nothing for the default one, the only one that we have.
	Context []byte
	Body    Body
}

// Body is what a PDU says; the types below.
type Body interface{ Kind() Kind }

// Open begins a session (§6.2.1).
type Open struct {
	Timeout uint8 // seconds in which the subagent answers; 0: the master's own
	ID      OID   // who the subagent is
	Descr   string
}

// Close ends a session (§6.2.2).
type Close struct{ Reason Reason }

// Register asks for a subtree, or gives it back (§6.2.3, §6.2.4).
type Register struct {
	Timeout    uint8 // seconds; 0: the session's
	Priority   uint8 // default 127; the lowest number wins
	RangeSubID uint8 // which number of Subtree goes up to UpperBound; 0: none
	Subtree    OID
	UpperBound uint32 // only with RangeSubID
}

// Unregister gives a subtree back; Timeout says nothing.
type Unregister Register

// Range is what a Get asks for (Start), or where a GetNext looks: from Start,
// itself too if Include, up to before End, to the end of all if that is empty.
type Range struct {
	Start   OID
	Include bool
	End     OID
}

// Get asks for objects (§6.2.5).
type Get struct{ Ranges []Range }

// GetNext asks for the first object in each range.
type GetNext struct{ Ranges []Range }

// GetBulk asks for the first in NonRepeaters ranges and for MaxRepetitions in
// each of the others (§6.2.7).
type GetBulk struct {
	NonRepeaters, MaxRepetitions uint16
	Ranges                       []Range
}

// TestSet asks whether objects could be set (§6.2.8); CommitSet, UndoSet and
// CleanupSet of the same transaction follow (§6.2.9).
type TestSet struct{ VarBinds []VarBind }

// CommitSet does it.
type CommitSet struct{}

// UndoSet takes it back.
type UndoSet struct{}

// CleanupSet ends the transaction; nothing answers it.
type CleanupSet struct{}

// Notify is a trap (§6.2.10).
type Notify struct{ VarBinds []VarBind }

// Ping asks whether the other side is there (§6.2.11).
type Ping struct{}

// Response answers anything (§6.2.16).
type Response struct {
	UpTime   uint32 // the master's sysUpTime, in hundredths of a second
	Error    Error
	Index    uint16 // which object was wrong, from 1; 0: none
	VarBinds []VarBind
}

// Kind tells that it is an Open.
func (Open) Kind() Kind { return KindOpen }

// Kind tells that it is a Close.
func (Close) Kind() Kind { return KindClose }

// Kind tells that it is a Register.
func (Register) Kind() Kind { return KindRegister }

// Kind tells that it is an Unregister.
func (Unregister) Kind() Kind { return KindUnregister }

// Kind tells that it is a Get.
func (Get) Kind() Kind { return KindGet }

// Kind tells that it is a GetNext.
func (GetNext) Kind() Kind { return KindGetNext }

// Kind tells that it is a GetBulk.
func (GetBulk) Kind() Kind { return KindGetBulk }

// Kind tells that it is a TestSet.
func (TestSet) Kind() Kind { return KindTestSet }

// Kind tells that it is a CommitSet.
func (CommitSet) Kind() Kind { return KindCommitSet }

// Kind tells that it is an UndoSet.
func (UndoSet) Kind() Kind { return KindUndoSet }

// Kind tells that it is a CleanupSet.
func (CleanupSet) Kind() Kind { return KindCleanupSet }

// Kind tells that it is a Notify.
func (Notify) Kind() Kind { return KindNotify }

// Kind tells that it is a Ping.
func (Ping) Kind() Kind { return KindPing }

// Kind tells that it is a Response.
func (Response) Kind() Kind { return KindResponse }

// Reason is why a session ends (§6.2.2).
type Reason uint8

// The reasons.
const (
	ReasonOther         Reason = 1
	ReasonParseError    Reason = 2
	ReasonProtocolError Reason = 3
	ReasonTimeouts      Reason = 4
	ReasonShutdown      Reason = 5
	ReasonByManager     Reason = 6
)

// Error is what a Response has to say, of SNMP (RFC 3416) and of AgentX itself
// (§6.2.16).
type Error uint16

// The errors that are sent or understood here.
const (
	NoError               Error = 0
	GenErr                Error = 5
	WrongType             Error = 7
	WrongValue            Error = 10
	NoCreation            Error = 11
	CommitFailed          Error = 14
	UndoFailed            Error = 15
	NotWritable           Error = 17
	OpenFailed            Error = 256
	NotOpen               Error = 257
	UnsupportedContext    Error = 262
	DuplicateRegistration Error = 263
	ParseError            Error = 266
	RequestDenied         Error = 267
	ProcessingError       Error = 268
)

var errorNames = map[Error]string{
	NoError: "noError", GenErr: "genErr", WrongType: "wrongType", WrongValue: "wrongValue", NoCreation: "noCreation",
	CommitFailed: "commitFailed", UndoFailed: "undoFailed", NotWritable: "notWritable", OpenFailed: "openFailed", NotOpen: "notOpen",
	UnsupportedContext: "unsupportedContext", DuplicateRegistration: "duplicateRegistration",
	ParseError: "parseError", RequestDenied: "requestDenied", ProcessingError: "processingError",
}

// String is the error's name in the RFC.
func (e Error) String() string {
	if n, ok := errorNames[e]; ok {
		return n
	}
	return "error " + strconv.Itoa(int(e))
}
