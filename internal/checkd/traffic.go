package checkd

import (
	"context"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// figuresPatience bounds the wait for the director's figures; a status without
// them is better than none.
const figuresPatience = 2 * time.Second

// figures is what the director counted, by service.
type figures map[lvs.ServiceKey]director.ServiceCounters

// tally is the writer's last count, good for a while: who asks for the status
// again and again must not keep the writer from writing.
type tally struct {
	found figures
	until time.Time
}

// figures asks the writer what the director counted; nil if there is no answer
// in time, or nothing that counts.
func (w *writer) figures() figures {
	patience := time.NewTimer(figuresPatience)
	defer patience.Stop()
	answer := make(chan figures, 1) // the writer does not wait for us
	select {
	case w.asked <- answer:
	case <-w.ended:
		return nil
	case <-patience.C:
		return nil
	}
	select {
	case f := <-answer:
		return f
	case <-w.ended:
	case <-patience.C:
	}
	return nil
}

// tellFigures answers figures, in the writer's goroutine.
func (w *writer) tellFigures(ctx context.Context, answer chan<- figures) {
	c, ok := w.dir.(director.Counter)
	began := time.Now()
	if ok && !began.Before(w.tally.until) {
		bounded, cancel := context.WithTimeout(ctx, figuresPatience)
		w.tally.found, _ = c.Counters(bounded) // why not is told where the table is set
		cancel()
		w.tally.until = began.Add(max(countEvery, countShare*time.Since(began)))
	}
	answer <- w.tally.found
}

// traffic adds up what the director counted for a service, which may have
// several keys, and puts the same of its servers into theirs.
func (p pooled) traffic(found figures, s *api.Service) {
	if found == nil {
		return
	}
	s.Traffic = &api.Traffic{}
	for i := range s.Servers {
		s.Servers[i].Traffic = &api.Traffic{}
	}
	for _, k := range p.services {
		one := found[k]
		add(s.Traffic, one.Counters)
		for i, key := range p.servers {
			add(s.Servers[i].Traffic, one.Servers[key])
		}
	}
}

// pooled are the keys of a pool, in the order of its api.Service.
type pooled struct {
	services []lvs.ServiceKey // canonical
	servers  []lvs.ServerKey
}

func (p *pool) keys() pooled {
	var out pooled
	for _, k := range p.machine.Config().Keys {
		out.services = append(out.services, director.Canonical(k))
	}
	for _, s := range p.order {
		out.servers = append(out.servers, s.key())
	}
	return out
}

func add(t *api.Traffic, c director.Counters) {
	t.Connections += c.Connections
	t.Active += uint64(c.Active)
	t.Inactive += uint64(c.Inactive)
	t.InPackets += c.InPackets
	t.InBytes += c.InBytes
	t.OutPackets += c.OutPackets
	t.OutBytes += c.OutBytes
	t.Persistent += uint64(c.Persistent)
	t.Refused += c.Refused
	t.NoServer += c.Overloaded
	t.Evicted += c.Evicted
	t.Starved += c.Starved
	t.ConnectionRate += c.ConnectionRate
	t.InPacketRate += c.InPacketRate
	t.OutPacketRate += c.OutPacketRate
	t.InByteRate += c.InByteRate
	t.OutByteRate += c.OutByteRate
}
