package mib

import (
	"net/netip"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// ruled is a rule of an instance; static ones are of instance 0.
type ruled struct {
	kernel.Rule
	words []string
	set   bool
}

// either is the address that the obsolete columns have: where to, else where from.
func (r *ruled) either() netip.Prefix { return choose(r.To.IsValid(), r.To, r.From) }

// direction is which addresses a rule looks at.
func (r *ruled) direction() string {
	switch {
	case r.From.IsValid() && r.To.IsValid():
		return "both"
	case r.From.IsValid():
		return "from"
	case r.To.IsValid():
		return "to"
	}
	return ""
}

// rules is vrrpRuleTable.
func (b *builder) rules(all []router) {
	var rows []number[ruled]
	add := func(of int, list []conf.Route, there []bool) {
		n := 0
		for i := range list {
			spec, err := kernel.ParseRule(list[i].Words)
			if err != nil {
				continue // it is not set either
			}
			n++
			rows = append(rows, number[ruled]{of, n, ruled{spec.Rule, list[i].Words, n <= len(there) && there[n-1]}})
		}
	}
	add(0, b.Conf.StaticRules, b.VRRP.StaticRules)
	for i := range all {
		add(all[i].n, all[i].conf.Rules, all[i].is.Rules)
	}
	cols := make([]col[number[ruled]], 0, len(ruleCells))
	for n := uint32(2); n <= lastRuleCell; n++ {
		if of := ruleCells[n]; of != nil {
			cols = append(cols, col[number[ruled]]{n, func(r *number[ruled]) agentx.Value { return of(&r.it) }})
		}
	}
	table(b.Tree, vrrp.With(8, 1), rows, (*number[ruled]).index, cols...)
}

// lastRuleCell is the last column.
const lastRuleCell = 38

// looks: it looks into a table, even the one of the packet's VRF (table 0).
func (r *ruled) looks() bool { return r.Action == unix.FR_ACT_TO_TBL }

var ruleCells = map[uint32]func(*ruled) agentx.Value{
	2:  func(r *ruled) agentx.Value { return text(r.direction()) },
	3:  func(r *ruled) agentx.Value { return typed(r.either()) },
	4:  func(r *ruled) agentx.Value { return address(r.either().Addr()) },
	5:  func(r *ruled) agentx.Value { return length(r.either()) },
	6:  func(r *ruled) agentx.Value { return choose(r.looks(), agentx.Unsigned(r.Table), absent) },
	7:  func(r *ruled) agentx.Value { return truth(r.set) },
	8:  func(r *ruled) agentx.Value { return truth(r.Not) },
	9:  func(r *ruled) agentx.Value { return typed(r.To) },
	10: func(r *ruled) agentx.Value { return address(r.To.Addr()) },
	11: func(r *ruled) agentx.Value { return length(r.To) },
	12: func(r *ruled) agentx.Value { return typed(r.From) },
	13: func(r *ruled) agentx.Value { return address(r.From.Addr()) },
	14: func(r *ruled) agentx.Value { return length(r.From) },
	15: func(r *ruled) agentx.Value { return agentx.Unsigned(uint32(r.TOS)) },
	16: func(r *ruled) agentx.Value { return some(r.Mark, agentx.Unsigned) },
	17: func(r *ruled) agentx.Value {
		return choose(r.Mask == 1<<32-1, absent, some(r.Mask, agentx.Unsigned))
	},
	18: func(r *ruled) agentx.Value { return some(r.Realms&0xffff, agentx.Unsigned) },
	19: func(r *ruled) agentx.Value { return some(r.Realms>>16, agentx.Unsigned) },
	20: func(r *ruled) agentx.Value { return text(r.IIF) },
	21: func(r *ruled) agentx.Value { return text(r.OIF) },
	22: func(r *ruled) agentx.Value {
		return choose(r.Action == unix.FR_ACT_GOTO, agentx.Unsigned(r.Goto), absent)
	},
	23: func(r *ruled) agentx.Value { return agentx.Int(int(r.Action)) },
	24: func(r *ruled) agentx.Value { return choose(r.looks(), agentx.Unsigned(r.Table), absent) },
	25: func(r *ruled) agentx.Value { return agentx.Unsigned(r.Pref) },
	26: func(r *ruled) agentx.Value { return before(r.SuppressLen) },
	27: func(r *ruled) agentx.Value {
		if r.SuppressGroup == 0 {
			return absent
		}
		return agentx.Text(strconv.FormatUint(r.SuppressGroup-1, 10))
	},
	28: func(r *ruled) agentx.Value {
		return choose(r.TunID == 0, absent, agentx.Unsigned(uint32(r.TunID>>32))) // its halves
	},
	29: func(r *ruled) agentx.Value {
		return choose(r.TunID == 0, absent, agentx.Unsigned(uint32(r.TunID))) // its halves
	},
	30: func(r *ruled) agentx.Value { return choose(r.UIDs.Set, agentx.Unsigned(r.UIDs.First), absent) },
	31: func(r *ruled) agentx.Value { return choose(r.UIDs.Set, agentx.Unsigned(r.UIDs.Last), absent) },
	32: func(r *ruled) agentx.Value { return choose(r.L3MDev, truth(true), absent) },
	33: func(r *ruled) agentx.Value {
		return choose(slices.Contains(r.words, "protocol"), agentx.Int(int(r.Protocol)+1), absent)
	},
	34: func(r *ruled) agentx.Value { return some(uint32(r.IPProto), agentx.Unsigned) },
	35: func(r *ruled) agentx.Value { return some(uint32(r.SPort.First), agentx.Unsigned) },
	36: func(r *ruled) agentx.Value { return some(uint32(r.SPort.Last), agentx.Unsigned) },
	37: func(r *ruled) agentx.Value { return some(uint32(r.DPort.First), agentx.Unsigned) },
	38: func(r *ruled) agentx.Value { return some(uint32(r.DPort.Last), agentx.Unsigned) },
}

func typed(p netip.Prefix) agentx.Value {
	if !p.IsValid() {
		return absent
	}
	return family(p.Addr())
}

func length(p netip.Prefix) agentx.Value {
	if !p.IsValid() {
		return absent
	}
	return agentx.Unsigned(part(p.Bits()))
}

// before is one less than n; of 0 there is none.
func before(n uint64) agentx.Value {
	if n == 0 {
		return absent
	}
	return agentx.Unsigned(part(int(n - 1))) // a prefix length
}
