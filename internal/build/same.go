package build

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Same reports whether q does the same as p, so that what is known of a server
// outlives a reload.
func (p *Probe) Same(q *Probe) bool {
	return p.To == q.To && (p.Manner == q.Manner || p.same(q.Manner))
}

func (p *Manner) same(q *Manner) bool {
	a, b := *p, *q
	for _, c := range [...]*Manner{&a, &b} {
		c.HTTP, c.Program, c.DNS, c.SMTP, c.UDP, c.File, c.FTP, c.GRPC, c.Expect = nil, nil, nil, nil, nil, nil, nil, nil, nil
	}
	return a == b && p.Program.same(q.Program) && reflect.DeepEqual(p.HTTP, q.HTTP) &&
		equal(p.DNS, q.DNS) && equal(p.SMTP, q.SMTP) && equal(p.UDP, q.UDP) && equal(p.File, q.File) &&
		equal(p.FTP, q.FTP) && equal(p.GRPC, q.GRPC) && reflect.DeepEqual(p.Expect, q.Expect)
}

// equal compares what is pointed at, where both may be nil.
func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// same compares, where both may be nil.
func (p *Program) same(q *Program) bool {
	if p == nil || q == nil {
		return p == q
	}
	return p.User == q.User && p.Group == q.Group && p.Timeout == q.Timeout && p.Secure == q.Secure &&
		slices.Equal(p.Argv, q.Argv)
}

// Same reports whether a reload from p to q changes nothing. The states of
// checks are not looked at (they are the lvs.Pool's by then).
func (p *Pool) Same(q *Pool) bool {
	a, b := &p.PoolConfig, &q.PoolConfig
	return p.ID == q.ID && p.Markable == q.Markable && p.Omega == q.Omega && p.HASuspend == q.HASuspend && p.Moves == q.Moves && p.Mail == q.Mail &&
		p.QuorumUp.same(q.QuorumUp) && p.QuorumDown.same(q.QuorumDown) &&
		a.Name == b.Name && a.Quorum == b.Quorum && a.Hysteresis == b.Hysteresis && a.Panic == b.Panic && a.MaxEject == b.MaxEject &&
		slices.Equal(a.Keys, b.Keys) && reflect.DeepEqual(a.Service, b.Service) && reflect.DeepEqual(a.Sorry, b.Sorry) &&
		same(a.Servers, b.Servers, sameServer) && same(p.Servers, q.Servers, sameReal)
}

// same is slices.EqualFunc without a copy of what is compared.
func same[T any](a, b []T, equal func(a, b *T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(&a[i], &b[i]) {
			return false
		}
	}
	return true
}

func sameServer(a, b *lvs.ServerConfig) bool {
	return a.Key == b.Key && a.Name == b.Name && a.Server == b.Server && a.Inhibit == b.Inhibit &&
		a.Reset == b.Reset && a.Tier == b.Tier && a.Drain == b.Drain && a.SlowStart == b.SlowStart &&
		len(a.Checks) == len(b.Checks)
}

func sameReal(a, b *RealServer) bool {
	return a.Mail == b.Mail && a.NotifyUp.same(b.NotifyUp) && a.NotifyDown.same(b.NotifyDown) && same(a.Checks, b.Checks, sameCheck)
}

func sameCheck(a, b *HealthCheck) bool {
	return a.LogAll == b.LogAll && (a.Schedule == b.Schedule || *a.Schedule == *b.Schedule) && a.Probe.Same(&b.Probe)
}

// Kin is a hash of what checks that can be one probe have in common at least;
// it is there to look them up by. Alike decides.
type Kin uint64

// Kin returns the check's, and whether there can be any: programs run once for
// each real server, for they may count how often they do.
func (h *HealthCheck) Kin() (k Kin, shares bool) {
	p, s := &h.Probe, h.shared()
	k.text(p.Kind)
	k.addr(p.To.Addr())
	k.addr(p.BindTo)
	k.word(uint64(p.To.Port())<<48 | uint64(p.BindPort)<<32 | uint64(p.Mark))
	k.text(p.BindIf)
	k.text(p.BFD)
	if p.File != nil {
		k.text(p.File.Path)
	}
	for _, n := range [...]int64{int64(p.Timeout), int64(s.Interval), int64(s.RetryDelay), int64(s.Retry), int64(s.Rise)} {
		k.word(uint64(n)) // bits to be mixed
	}
	return k, p.Program == nil
}

// Alike reports whether o can be the same probe as h.
func (h *HealthCheck) Alike(o *HealthCheck) bool {
	return h.shared() == o.shared() && h.Probe.Same(&o.Probe)
}

// shared is the schedule without how it begins, and how fast it looks again on
// the way up: these are matters of the users; the probe does what any of them
// wants.
func (h *HealthCheck) shared() check.Config {
	s := *h.Schedule
	s.Alpha, s.Hurry, s.Warmup = false, false, 0
	return s
}

// mixer is the prime of FNV-1a with 64 bits, which Kin is after but by words.
const mixer = 0x100000001b3

func (k *Kin) word(w uint64) {
	h := (uint64(*k) ^ w) * mixer
	*k = Kin(h ^ h>>32)
}

func (k *Kin) text(s string) {
	for i := range len(s) {
		*k = (*k ^ Kin(s[i])) * mixer
	}
	k.word(uint64(len(s)))
}

func (k *Kin) addr(a netip.Addr) {
	b := a.As16()
	k.word(binary.BigEndian.Uint64(b[:8]))
	k.word(binary.BigEndian.Uint64(b[8:]))
}
