package conf

import (
	"math"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

func script(l *loader) *VRRPScript { return l.script }

// maxScriptTime is what fits keepalived's milliseconds.
const maxScriptTime = maxSeconds * time.Second

var scriptBlock = &block{Name: "vrrp_script", Parts: []rows{{
	{Name: "script", Args: optCommand, Doc: "The program.", Set: setScript},
	{Name: "interval", Args: secs(time.Millisecond, maxScriptTime), Doc: "How often it runs.", To: dur(func(l *loader) *time.Duration { return &script(l).Interval })},
	{Name: "timeout", Args: secs(time.Millisecond, maxScriptTime), Doc: "How long it may run; the interval by default.", To: dur(func(l *loader) *time.Duration { return &script(l).Timeout })},
	{Name: "weight", Args: args{{Kind: schema.Number, Min: -253, Max: 253}, {Kind: schema.Enum, Words: []string{"reverse"}, Optional: true}}, Doc: "What it adds to the priority: if positive while it succeeds, if negative while it fails; 0 means that failing is a fault.", Set: func(l *loader, s *stmt) {
		l.script.Weight, l.script.Reverse = s.Int(), s.Has(1)
	}},
	{Name: "rise", Args: num(1, math.MaxInt32), Doc: "How many successes in a row make it succeed.", To: integer(func(l *loader) *int { return &script(l).Rise })},
	{Name: "fall", Args: num(1, math.MaxInt32), Doc: "How many failures in a row make it fail.", To: integer(func(l *loader) *int { return &script(l).Fall })},
	{Name: "user", Args: user, Doc: "Whom it runs as.", Set: func(l *loader, s *stmt) {
		if !l.knownUser(s) {
			l.script.Command.User = s.Text()
			l.scriptBad = true
			return
		}
		c := &l.script.Command
		c.User, c.Group = s.Text(), ""
		if s.Has(1) {
			c.Group = s.Value(1).Text
		}
	}},
	{Name: "init_fail", Doc: "Count it as failing until it has succeeded.", To: flag(func(l *loader) *bool { return &script(l).InitFail })},
}}}

// setScript takes the first word; unlike notify scripts, nothing follows it.
func setScript(l *loader, s *stmt) {
	w, argv := commandLine(s)
	if argv == nil {
		return
	}
	l.script.Command.Argv = argv
	l.script.Command.Line = l.pos(w[0])
	l.scriptWord = w[0]
	if len(w) > 1 {
		s.Fault("HF013", diag.Warning, w[1], "only "+strconv.Quote(w[0].Text)+" is run, the rest of the line is ignored", "a command with arguments in quotes")
	}
}

// endScript keeps a script that can be run.
func endScript(l *loader) {
	c := l.script
	if len(c.Command.Argv) == 0 {
		l.fault("HF012", l.scriptName, "vrrp_script "+c.Name+" has no script, it is ignored", "script COMMAND", "")
		return
	}
	if c.Timeout == unset {
		c.Timeout = c.Interval
	}
	remember(&l.scriptNames, c.Name)
	l.cfg.Scripts = append(l.cfg.Scripts, c)
	l.scripts = append(l.scripts, scriptNotes{name: l.scriptName, command: l.scriptWord, bad: l.scriptBad})
	l.scriptBad = false
}

var groupTracks = rows{
	{Name: "track_interface", Bare: true, Block: &block{Name: "vrrp_sync_group > track_interface", Line: trackInterface, LineArgs: trackArgs}, Doc: "Interfaces that must be up, or that weigh, for all members."},
	{Name: "track_script", Bare: true, Block: &block{Name: "vrrp_sync_group > track_script", Line: trackScript, LineArgs: trackArgs}, Doc: "Scripts that must succeed, or that weigh, for all members."},
	{Name: "track_file", Bare: true, Block: &block{Name: "vrrp_sync_group > track_file", Line: trackFiles, LineArgs: trackArgs}, Doc: "Files whose number weighs, for all members."},
	{Name: "track_process", Bare: true, Block: &block{Name: "vrrp_sync_group > track_process", Line: trackProcesses, LineArgs: trackArgs}, Doc: "Processes that must run, or that weigh, for all members."},
	{Name: "track_bfd", Bare: true, Block: &block{Name: "vrrp_sync_group > track_bfd", Line: trackBFDs, LineArgs: trackArgs}, Doc: "BFD sessions that must be up, or that weigh, for all members."},
}

var groupBlock = &block{Name: "vrrp_sync_group", Parts: []rows{{
	{Name: "group", Bare: true, Block: &block{Name: "vrrp_sync_group > group", Line: addMember, LineArgs: name}, Doc: "The instances.", Set: func(l *loader, s *stmt) {
		if len(l.group.Members) > 0 {
			s.Fault("HF031", diag.Error, s.Keyword(), "the group of vrrp_sync_group "+l.group.Name+" is given twice, the second is ignored", "")
			s.Skip()
			return
		}
		needLines(l, s)
	}},
}, groupTracks, {
	{Name: "smtp_alert", Args: on, Doc: "Send mail when the state changes.", To: choice(func(l *loader) *Choice { return &l.group.SMTPAlert })},
	{Name: "global_tracking", Deprecated: "track_interface and track_script in vrrp_sync_group", Complain: true, Doc: "Old word for sync_group_tracking_weight.", To: flag(func(l *loader) *bool { return &l.group.TrackingWeight })},
	{Name: "sync_group_tracking_weight", Doc: "Members may have tracking with weights of their own.", To: flag(func(l *loader) *bool { return &l.group.TrackingWeight })},
}, notifyRows}}

func beginGroup(l *loader, s *stmt) {
	w := s.Words()
	l.group = &SyncGroup{Name: w[0].Text, Pos: l.pos(w[0])}
	l.members, l.tellGroup = nil, unset
	l.notify, l.tellPriority = &l.group.Notify, &l.tellGroup
	l.tracks = tracks{&l.group.TrackIfaces, &l.group.TrackScripts, &l.group.TrackFiles, &l.group.TrackProcesses, &l.group.TrackBFDs}
	if l.groupNames[w[0].Text] {
		s.Fault("HF031", diag.Error, w[0], "vrrp_sync_group "+w[0].Text+" is defined twice, the second is ignored", "")
		s.Skip()
		return
	}
	remember(&l.groupNames, w[0].Text)
	l.groupName = w[0]
}

func addMember(l *loader, s *stmt) {
	for _, w := range s.Node.Words {
		l.group.Members = append(l.group.Members, w.Text)
		l.members = append(l.members, w)
	}
}

func endGroup(l *loader) {
	l.cfg.Groups = append(l.cfg.Groups, l.group)
	l.groups = append(l.groups, groupNotes{name: l.groupName, members: l.members, tellPriority: l.tellGroup})
}

type scriptNotes struct {
	name, command syntax.Word
	bad           bool // its user does not exist
}

// remember adds a name to a set that is made when it is needed.
func remember(set *map[string]bool, name string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[name] = true
}
