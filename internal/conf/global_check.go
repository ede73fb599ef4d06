package conf

import (
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// setLVSTimeouts reads pairs of tcp, tcpfin or udp and seconds.
func setLVSTimeouts(l *loader, s *stmt) {
	w := s.Words()
	if len(w) < 2 {
		s.Fault("HF012", diag.Error, s.Keyword(), "lvs_timeouts needs a protocol and seconds", "tcp, tcpfin or udp, each with seconds")
		return
	}
	t := &l.cfg.Global.LVSTimeouts
	for i := 0; i < len(w); i++ {
		var into *time.Duration
		switch w[i].Text {
		case "tcp":
			into = &t.TCP
		case "tcpfin":
			into = &t.TCPFin
		case "udp":
			into = &t.UDP
		default:
			s.Fault("HF011", diag.Error, w[i], "no timeout "+strconv.Quote(w[i].Text), "tcp, tcpfin or udp")
			continue
		}
		if i+1 >= len(w) {
			s.Fault("HF012", diag.Error, w[i], w[i].Text+" needs seconds", "")
			return
		}
		i++
		n, err := strconv.ParseUint(w[i].Text, 10, 32)
		if err != nil || n > maxLVSTime {
			s.Fault("HF011", diag.Error, w[i], "lvs_timeouts "+strconv.Quote(w[i].Text)+" is not valid", "seconds from 0 to "+strconv.Itoa(maxLVSTime))
			continue
		}
		*into = time.Duration(n) * time.Second
	}
}

// maxCPU is the highest CPU number that can be named (CPU_SETSIZE less one);
// keepalived refuses numbers that this machine does not have.
const maxCPU = 1023

func setCPUs(s *stmt, into *[]int) {
	var cpus []int
	for _, w := range s.Words() {
		n, err := strconv.ParseUint(w.Text, 10, 32)
		if err != nil || n > maxCPU {
			s.Fault("HF011", diag.Error, w, "no CPU "+strconv.Quote(w.Text), "numbers from 0 to "+strconv.Itoa(maxCPU))
			return
		}
		cpus = append(cpus, int(n)) // at most maxCPU
	}
	*into = cpus
}

// maxExtraIf is the longest pace of garp_extra_if, in seconds.
const maxExtraIf = 86400

var extraIf = args{{Kind: schema.Words, Label: "[all] SECONDS"}}

func globalExtraIf(l *loader, s *stmt)   { checkExtraIf(s, 1, garp(l)) }
func instanceExtraIf(l *loader, s *stmt) { checkExtraIf(s, 0, viGARP(l)) }

// checkExtraIf reads seconds from low on and, before or behind them, all. Of
// several numbers keepalived takes the last.
func checkExtraIf(s *stmt, low uint64, g *GARP) {
	said, all, seconds := false, false, uint64(0)
	for _, w := range s.Words() {
		if w.Text == "all" {
			all = true
			continue
		}
		n, err := strconv.ParseUint(w.Text, 10, 32)
		if err != nil || n < low || n > maxExtraIf {
			s.Fault("HF011", diag.Error, w, s.Keyword().Text+" "+strconv.Quote(w.Text)+" is not valid", "seconds from "+strconv.FormatUint(low, 10)+" to "+strconv.Itoa(maxExtraIf))
			return
		}
		said, seconds = true, n
	}
	g.Extra, g.ExtraAll = time.Duration(seconds)*time.Second, all // a day at most
	if !said {
		g.Extra = unset
		s.Fault("HF012", diag.Error, s.Words()[0], s.Keyword().Text+" has no time, it is ignored", "[all] SECONDS")
	}
}

// setUmask reads a number, or bits such as IWGRP | IWOTH.
func setUmask(l *loader, s *stmt) {
	w := s.Words()
	if n, err := strconv.ParseUint(w[0].Text, 0, 32); err == nil {
		switch {
		case n > 0o777:
			s.Fault("HF011", diag.Error, w[0], "umask "+w[0].Text+" is out of range", "0 to 0777")
		case len(w) > 1:
			s.Fault("HF013", diag.Error, w[1], "umask takes one number", "")
		default:
			global(l).Umask = int(n) // at most 0777
		}
		return
	}
	mask := 0
	for i, part := range w {
		if i > 0 && !strings.HasPrefix(part.Text, "|") && !strings.HasSuffix(w[i-1].Text, "|") {
			s.Fault("HF011", diag.Error, part, "umask's bits need | between them", "IWGRP | IWOTH")
			return
		}
		for _, name := range strings.Split(part.Text, "|") {
			bit, ok := modeBit(name)
			if name != "" && !ok {
				s.Fault("HF011", diag.Error, part, "umask has no bit "+strconv.Quote(name), "a number, or bits such as IWGRP|IWOTH")
				return
			}
			mask |= bit
		}
	}
	global(l).Umask = mask
}

// modeBit is the bit of a file's mode that is called I{R,W,X}{USR,GRP,OTH}.
func modeBit(name string) (int, bool) {
	if len(name) != 5 || name[0] != 'I' {
		return 0, false
	}
	bit, ok := map[string]int{"R": 4, "W": 2, "X": 1}[name[1:2]]
	shift, known := map[string]int{"USR": 6, "GRP": 3, "OTH": 0}[name[2:]]
	return bit << shift, ok && known
}

func checkIncludes(l *loader, s *stmt) {
	for _, w := range s.Words() {
		switch strings.TrimLeft(w.Text, "+-") {
		case "readable", "match", "wildcard_match", "brace_match":
		default:
			s.Fault("HF011", diag.Error, w, "include_check has no option "+strconv.Quote(w.Text), "readable, match, wildcard_match or brace_match")
		}
	}
}
