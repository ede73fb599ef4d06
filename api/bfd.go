package api

import "time"

// BFDSession is one bfd_instance.
type BFDSession struct {
	Name      string `json:"name"`
	Neighbour string `json:"neighbour"`
	Source    string `json:"source,omitempty"` // as configured
	Multihop  bool   `json:"multihop"`
	Passive   bool   `json:"passive"`
	// State and RemoteState are RFC 5880's: AdminDown, Down, Init, Up. The
	// remote ones are what was last heard.
	State       string `json:"state"`
	RemoteState string `json:"remote_state"`
	Diag        string `json:"diagnostic"`
	RemoteDiag  string `json:"remote_diagnostic"`
	// Cause is why it is not up; empty when it is.
	Cause string    `json:"cause,omitempty"`
	Since time.Time `json:"since"`

	Discriminator       uint32 `json:"discriminator"`
	RemoteDiscriminator uint32 `json:"remote_discriminator"` // 0: nothing is heard
	// TxMS is the interval between our packets, RxMS the one that the
	// neighbour is to keep, DetectMS after how much silence it is down; all
	// in milliseconds and as agreed on.
	TxMS             float64           `json:"tx_interval_ms"`
	RxMS             float64           `json:"rx_interval_ms"`
	DetectMS         float64           `json:"detection_time_ms"`
	Multiplier       int               `json:"multiplier"`
	RemoteMultiplier int               `json:"remote_multiplier"`
	Counters         map[string]uint64 `json:"counters"`
}
