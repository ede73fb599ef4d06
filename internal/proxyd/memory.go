package proxyd

import (
	"container/list"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// maxRemembered bounds the clients that one persistent service remembers; the
// one unseen for longest is forgotten first.
const maxRemembered = 100_000

// forgetAtOnce bounds the work that one new entry causes.
const forgetAtOnce = 4

// memory is which client goes to which server, for persistence.
type memory struct {
	entries map[netip.Addr]*list.Element
	order   *list.List // of remembered; the front was seen last
}

type remembered struct {
	client netip.Addr
	server lvs.ServerKey
	until  time.Time
	held   int // connections that are open; until counts from the end of the last
}

func (r *remembered) over(now time.Time) bool { return r.held <= 0 && !now.Before(r.until) }

func newMemory() *memory {
	return &memory{entries: map[netip.Addr]*list.Element{}, order: list.New()}
}

func (m *memory) len() int { return len(m.entries) }

func (m *memory) get(client netip.Addr, now time.Time) (lvs.ServerKey, bool) {
	e, ok := m.entries[client]
	if !ok {
		return lvs.ServerKey{}, false
	}
	r := e.Value.(*remembered)
	if r.over(now) {
		m.forget(e)
		return lvs.ServerKey{}, false
	}
	return r.server, true
}

// hold remembers server for client, at least until a drop of the same and then
// for timeout. It forgets a few whose time is over: they are at the back, since
// all are remembered for equally long.
func (m *memory) hold(client netip.Addr, server lvs.ServerKey, now time.Time, timeout time.Duration) {
	for range forgetAtOnce {
		e := m.order.Back()
		if e == nil {
			break
		}
		if r := e.Value.(*remembered); r.held > 0 { // not its turn yet
			m.order.MoveToFront(e)
			continue
		}
		if !e.Value.(*remembered).over(now) {
			break
		}
		m.forget(e)
	}
	if e, ok := m.entries[client]; ok {
		r := e.Value.(*remembered)
		if r.server != server { // those that hold it hold another
			r.server, r.held = server, 0
		}
		r.held++
		r.until = now.Add(timeout)
		m.order.MoveToFront(e)
		return
	}
	if len(m.entries) >= maxRemembered {
		m.forget(m.order.Back())
	}
	m.entries[client] = m.order.PushFront(&remembered{client, server, now.Add(timeout), 1})
}

// drop ends one hold.
func (m *memory) drop(client netip.Addr, server lvs.ServerKey, now time.Time, timeout time.Duration) {
	e, ok := m.entries[client]
	if !ok || e.Value.(*remembered).server != server {
		return
	}
	r := e.Value.(*remembered)
	r.held = max(r.held-1, 0)
	r.until = now.Add(timeout)
	m.order.MoveToFront(e)
}

func (m *memory) forget(e *list.Element) {
	delete(m.entries, e.Value.(*remembered).client)
	m.order.Remove(e)
}

// mask reduces a client to the block that sticks together: netmask is a mask
// for IPv4 and a prefix length for IPv6 (lvs.Service.Netmask).
func mask(client netip.Addr, netmask uint32) netip.Addr {
	length := int(netmask)
	if client.Is4() {
		length = bits.LeadingZeros32(^netmask)
		if netmask<<length != 0 { // not a run of ones: take it bit by bit
			b := client.As4()
			binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])&netmask)
			return netip.AddrFrom4(b)
		}
	}
	prefix, err := client.Prefix(length)
	if err != nil {
		return client
	}
	return prefix.Addr()
}
