package ipvs

// What the kernel calls things, from linux/ip_vs.h and linux/netlink.h.
const (
	familyName    = "IPVS"
	familyVersion = 1

	cmdNewService = 1
	cmdSetService = 2
	cmdDelService = 3
	cmdGetService = 4
	cmdNewDest    = 5
	cmdSetDest    = 6
	cmdDelDest    = 7
	cmdGetDest    = 8
	cmdNewDaemon  = 9
	cmdDelDaemon  = 10
	cmdGetDaemon  = 11
	cmdSetConfig  = 12
	cmdGetConfig  = 13
	cmdGetInfo    = 15
	cmdFlush      = 17

	attrService       = 1
	attrDest          = 2
	attrDaemon        = 3
	attrTimeoutTCP    = 4
	attrTimeoutTCPFin = 5
	attrTimeoutUDP    = 6

	svcAF        = 1
	svcProtocol  = 2
	svcAddr      = 3
	svcPort      = 4
	svcFWMark    = 5
	svcScheduler = 6
	svcFlags     = 7
	svcTimeout   = 8
	svcNetmask   = 9
	svcStats     = 10
	svcEngine    = 11
	svcStats64   = 12

	destAddr       = 1
	destPort       = 2
	destForward    = 3
	destWeight     = 4
	destUpper      = 5
	destLower      = 6
	destActive     = 7
	destInactive   = 8
	destPersistent = 9
	destStats      = 10
	destFamily     = 11
	destStats64    = 12
	destTunType    = 13
	destTunPort    = 14
	destTunFlags   = 15

	daemonState     = 1
	daemonInterface = 2
	daemonSyncID    = 3
	daemonMaxLen    = 4
	daemonGroup     = 5
	daemonGroup6    = 6
	daemonPort      = 7
	daemonTTL       = 8

	statConns       = 1
	statInPkts      = 2
	statOutPkts     = 3
	statInBytes     = 4
	statOutBytes    = 5
	statConnRate    = 6
	statInPktRate   = 7
	statOutPktRate  = 8
	statInByteRate  = 9
	statOutByteRate = 10

	infoVersion = 1

	// IP_VS_CONN_F_*: forwarding methods.
	forwardMask   = 7
	forwardNAT    = 0
	forwardLocal  = 1
	forwardTunnel = 2
	forwardRoute  = 3

	// NLMSG_* and NLM_F_*.
	typeError   = 2
	typeDone    = 3
	flagRequest = 0x001
	flagAck     = 0x004
	flagDump    = 0x300

	headerLen   = 16     // struct nlmsghdr
	genlLen     = 4      // struct genlmsghdr
	attrLen     = 4      // struct nlattr
	nested      = 0x8000 // NLA_F_NESTED
	attrTypeLow = 0x3fff // NLA_TYPE_MASK
)
