package bfdd

import (
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// answer answers a Query from what is known now.
func (d *daemon) answer(m ipc.Message) {
	_ = d.conn.Send(ipc.Message{Kind: ipc.Answer, Seq: m.Seq, Topic: m.Topic, Body: ipc.Marshal(d.status())})
}

// status is this child's part of api.Status.
func (d *daemon) status() api.Status {
	now := d.loop.Read()
	s := api.Status{Version: api.Version, BFD: make([]api.BFDSession, 0, len(d.sessions))}
	for _, one := range d.sessions {
		s.BFD = append(s.BFD, one.status(now))
	}
	for f := wire.BFDGood + 1; f < wire.NumBFDFaults; f++ {
		if d.stray[f] > 0 {
			if s.BFDRefused == nil {
				s.BFDRefused = map[string]uint64{}
			}
			s.BFDRefused[f.String()] = d.stray[f]
		}
	}
	return s
}

func (s *session) status(now clock.Reading) api.BFDSession {
	v := s.machine.View()
	out := api.BFDSession{
		Name: s.Name, Neighbour: s.Neighbour.String(), Multihop: s.Multihop, Passive: s.Machine.Passive,
		State: v.State.String(), RemoteState: v.RemoteState.String(),
		Diag: v.Diag.String(), RemoteDiag: v.RemoteDiag.String(), Cause: s.cause,
		Since:         time.Unix(0, now.Wall-int64(now.Mono.Sub(s.since))),
		Discriminator: v.Local, RemoteDiscriminator: v.Remote,
		TxMS: ms(v.Tx), RxMS: ms(v.Rx), DetectMS: ms(v.Detect),
		Multiplier: int(v.Multiplier), RemoteMultiplier: int(v.RemoteMultiply),
		Counters: map[string]uint64{
			"packets_sent": s.counters.sent, "send_errors": s.counters.sendErrors,
			"up_transitions": s.counters.ups, "down_transitions": s.counters.downs,
		},
	}
	if s.Source.IsValid() {
		out.Source = s.Source.String()
	}
	if s.trouble != "" {
		out.Cause = s.trouble
	}
	for f := wire.BFDGood; f < wire.NumBFDFaults; f++ {
		if f == wire.BFDGood || s.counters.faults[f] > 0 {
			out.Counters[f.String()] = s.counters.faults[f]
		}
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
