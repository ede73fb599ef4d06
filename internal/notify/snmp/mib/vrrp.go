package mib

import (
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// states are the numbers of VrrpState.
var states = map[string]int{"INIT": 0, "BACKUP": 1, "MASTER": 2, "FAULT": 3, "STOP": 5, "DELETED": 6}

// stateOf is a VrrpState; unknown(4) if it has none of these names.
func stateOf(name string) agentx.Value {
	if n, ok := states[name]; ok {
		return agentx.Int(n)
	}
	return agentx.Int(4)
}

// command is a program as keepalived writes it.
func command(c *conf.Command) agentx.Value {
	if c == nil {
		return absent
	}
	return agentx.Text("'" + strings.Join(c.Argv, "' '") + "'")
}

func runs(n *conf.Notify) bool {
	for _, c := range []*conf.Command{n.Master, n.Backup, n.Fault, n.Stop, n.Any, n.MasterRxLowerPri, n.Deleted} {
		if c != nil {
			return true
		}
	}
	return false
}

// seconds are whole ones.
func seconds(d time.Duration) agentx.Value { return agentx.Unsigned(part(int(d / time.Second))) }

func micros(d time.Duration) agentx.Value { return agentx.Unsigned(part(int(d / time.Microsecond))) }

func byNumber(r *router) agentx.OID { return agentx.OID{part(r.n)} }

// instances is vrrpInstanceTable.
func (b *builder) instances(all []router) {
	type rc = col[router]
	b.Tree.routers = all
	mailed := b.Conf.Global.Mail.MailVRRP()
	synced := func(r *router) bool {
		d := b.Conf.Global.SyncDaemon
		return d != nil && d.Instance == r.conf.Name
	}
	text := func(n uint32, of func(*router) string) rc {
		return rc{n, func(r *router) agentx.Value { return text(of(r)) }}
	}
	yes := func(n uint32, of func(*router) bool) rc {
		return rc{n, func(r *router) agentx.Value { return truth(of(r)) }}
	}
	script := func(n uint32, of func(*conf.Notify) *conf.Command) rc {
		return rc{n, func(r *router) agentx.Value { return command(of(&r.conf.Notify)) }}
	}
	table(b.Tree, vrrp.With(3, 1), all, byNumber,
		text(2, func(r *router) string { return r.conf.Name }),
		rc{3, func(r *router) agentx.Value { return agentx.Unsigned(part(r.conf.VRID)) }},
		rc{4, func(r *router) agentx.Value { return stateOf(r.is.State) }},
		rc{5, func(r *router) agentx.Value { return agentx.Int(choose(r.conf.StateMaster, 2, 1)) }},
		rc{6, func(r *router) agentx.Value { return wanted(r) }},
		rc{7, func(r *router) agentx.Value { return agentx.Int(r.base()) }},
		rc{8, func(r *router) agentx.Value { return agentx.Int(r.is.Priority) }},
		yes(9, func(r *router) bool { return r.is.Addresses }),
		text(10, (*router).link),
		yes(11, func(r *router) bool { return len(r.conf.TrackIfaces) > 0 }), // as keepalived has it
		rc{12, interval},
		yes(13, func(r *router) bool { return r.preempts() }),
		rc{14, func(r *router) agentx.Value { return seconds(r.conf.PreemptDelay) }},
		rc{15, func(r *router) agentx.Value {
			return agentx.Int(map[string]int{"PASS": 1, "AH": 2}[r.conf.AuthType])
		}},
		yes(16, synced),
		text(17, func(r *router) string {
			if !synced(r) {
				return ""
			}
			return b.Conf.Global.SyncDaemon.Interface
		}),
		text(18, func(r *router) string {
			if r.in == nil {
				return ""
			}
			return r.in.Name
		}),
		rc{19, func(r *router) agentx.Value { return seconds(r.conf.GARP.MasterDelay) }},
		yes(20, func(r *router) bool { return r.conf.SMTPAlert.Or(mailed) }),
		yes(21, func(r *router) bool { return runs(&r.conf.Notify) }),
		script(22, func(n *conf.Notify) *conf.Command { return n.Master }),
		script(23, func(n *conf.Notify) *conf.Command { return n.Backup }),
		script(24, func(n *conf.Notify) *conf.Command { return n.Fault }),
		script(25, func(n *conf.Notify) *conf.Command { return n.Stop }),
		script(26, func(n *conf.Notify) *conf.Command { return n.Any }),
		rc{27, func(r *router) agentx.Value { // of version 2 it says nothing
			return agentx.Int(choose(r.conf.Version == 2, 0, choose(r.conf.Accept, 1, 2)))
		}},
		yes(28, func(r *router) bool { return r.conf.PromoteSecondaries }),
		yes(29, func(r *router) bool { return b.polled(r.conf.Interface) }),
		rc{30, func(r *router) agentx.Value { return agentx.Int(r.conf.Version) }},
		script(31, func(n *conf.Notify) *conf.Command { return n.MasterRxLowerPri }),
		script(32, func(n *conf.Notify) *conf.Command { return n.Deleted }),
		yes(33, func(r *router) bool { return r.conf.Notify.Deleted != nil }),
		rc{34, func(r *router) agentx.Value {
			if r.conf.Unicast || !r.conf.McastDst.IsValid() {
				return absent
			}
			return family(r.conf.McastDst)
		}},
		rc{35, func(r *router) agentx.Value {
			if r.conf.Unicast {
				return absent
			}
			return address(r.conf.McastDst)
		}},
	)
}

// wanted is what an instance is, or was before its fault.
func wanted(r *router) agentx.Value {
	if r.is.State == "INIT" {
		return agentx.Int(choose(r.conf.StateMaster, 2, 1))
	}
	return stateOf(r.is.State)
}

// interval is in seconds in version 2 and in hundredths of one in version 3.
func interval(r *router) agentx.Value {
	return agentx.Unsigned(part(int(r.conf.AdvertInt / choose(r.conf.Version == 2, time.Second, time.Second/100))))
}

func (b *builder) polled(dev string) bool {
	for _, l := range b.Conf.Linkbeats {
		if l.Interface == dev {
			return true
		}
	}
	return b.Conf.Global.LinkbeatPolling
}

// syncGroup is a group as written and as it is.
type syncGroup struct {
	n     int
	conf  *conf.SyncGroup
	state string
}

// groups are vrrpSyncGroupTable and vrrpSyncGroupMemberTable.
func (b *builder) groups() {
	all := make([]syncGroup, 0, len(b.Conf.Groups))
	var members []number[string]
	for i, g := range b.Conf.Groups {
		one := syncGroup{n: i + 1, conf: g, state: "INIT"}
		if is := groupState(b.VRRP.Groups, g.Name); is != nil {
			one.state = is.State
		}
		all = append(all, one)
		for j, m := range g.Members {
			members = append(members, number[string]{i + 1, j + 1, m})
		}
	}
	type gc = col[syncGroup]
	script := func(n uint32, of func(*conf.Notify) *conf.Command) gc {
		return gc{n, func(g *syncGroup) agentx.Value { return command(of(&g.conf.Notify)) }}
	}
	mailed := b.Conf.Global.Mail.MailVRRP()
	table(b.Tree, vrrp.With(1, 1), all, func(g *syncGroup) agentx.OID { return agentx.OID{part(g.n)} },
		gc{2, func(g *syncGroup) agentx.Value { return text(g.conf.Name) }},
		gc{3, func(g *syncGroup) agentx.Value { return stateOf(g.state) }},
		gc{4, func(g *syncGroup) agentx.Value { return truth(g.conf.SMTPAlert.Or(mailed)) }},
		gc{5, func(g *syncGroup) agentx.Value { return truth(runs(&g.conf.Notify)) }},
		script(6, func(n *conf.Notify) *conf.Command { return n.Master }),
		script(7, func(n *conf.Notify) *conf.Command { return n.Backup }),
		script(8, func(n *conf.Notify) *conf.Command { return n.Fault }),
		script(9, func(n *conf.Notify) *conf.Command { return n.Any }),
		gc{10, func(g *syncGroup) agentx.Value { return truth(g.conf.TrackingWeight) }},
		script(11, func(n *conf.Notify) *conf.Command { return n.Stop }),
	)
	table(b.Tree, vrrp.With(2, 1), members, (*number[string]).index,
		col[number[string]]{2, func(m *number[string]) agentx.Value { return agentx.Text(m.it) }})
}

func groupState(all []dump.Group, name string) *dump.Group {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}
