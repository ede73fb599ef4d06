// Package print turns a configuration back into text: `holdfast config dump`.
//
// Tree gives everything that holds, block by block and keyword by keyword,
// with what is inherited or a default marked as such. Text writes a tree as a
// keepalived.conf that says the same again when it is loaded; JSON writes all
// of it, and where each value came from (Origins). Package plan compares
// trees.
//
// What a configuration keeps is what has an effect; keywords without an effect
// yet are in no Config and so in no tree. Passwords are masked unless asked for.
package print

import (
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

// Block is a block of the configuration, with all that holds in it.
type Block struct {
	Keyword string   // empty: the file's root
	Name    []string // the words behind the keyword
	Pos     conf.Pos // of the name; of the keyword where there is none
	// Settings are in the order of the text. Some are lists, with Lines.
	Settings []Setting
	Blocks   []*Block
	// Plain blocks are always there, so their braces need no place of their
	// own: global_defs, authentication.
	Plain bool
}

// Setting is a keyword with its values.
type Setting struct {
	Keyword string
	Words   []string // behind the keyword, not quoted; none: the keyword alone
	Value   any      // the same for JSON: durations as seconds
	// Implied: it holds though nobody says so here, being a default or
	// inherited from a block around.
	Implied bool
	// From is the keyword of global_defs or of a block around that gives the
	// value where it is not said here; empty: the same keyword.
	From   string
	Pos    conf.Pos // of the value, where a block may have the keyword more than once
	Secret bool
	// Lines are a list's, in braces; without a Keyword they stand in the block
	// itself.
	Lines []Line
	List  bool
}

// Line is a line of a list.
type Line struct {
	Words []string
	Pos   conf.Pos
}

// Tree is everything that a configuration says.
func Tree(c *conf.Config) *Block {
	root := Root(c)
	for _, s := range c.Scripts {
		root.add(Script(s))
	}
	root.Blocks = append(root.Blocks, Others(c)...)
	for _, g := range c.Groups {
		root.add(Group(g))
	}
	for _, i := range c.Instances {
		root.add(Instance(i, &c.Global))
	}
	if c.SSL != nil {
		root.add(SSL(c.SSL))
	}
	for _, g := range c.ServerGroups {
		root.add(ServerGroup(g))
	}
	for _, v := range c.VirtualServers {
		root.add(VirtualServer(v, &c.Global))
	}
	return root
}

// Others are the blocks with names that a reload matches by nothing else.
func Others(c *conf.Config) (out []*Block) {
	for i := range c.TrackGroups {
		out = append(out, trackGroup(&c.TrackGroups[i]))
	}
	for _, f := range c.TrackFiles {
		out = append(out, TrackFile(f))
	}
	for _, p := range c.TrackProcesses {
		out = append(out, TrackProcess(p))
	}
	for _, s := range c.BFDs {
		out = append(out, BFD(s))
	}
	return out
}

// Root is what stands in a configuration besides blocks with names.
func Root(c *conf.Config) *Block {
	root := &Block{}
	root.str("net_namespace", c.Global.NetNamespace, "")
	switch name := c.Global.NetNamespaceIPVS; name {
	case conf.StartNamespace:
		root.flag("net_namespace_ipvs", true)
	default:
		root.str("net_namespace_ipvs", name, "")
	}
	root.str("instance", c.Global.Instance, "")
	root.flag("use_pid_dir", c.Global.UsePidDir)
	root.dur("child_wait_time", c.Global.ChildWait, defaults().ChildWait)
	root.flag("linkbeat_use_polling", c.Global.LinkbeatPolling)
	root.add(globalDefs(&c.Global))
	root.static(c)
	root.links(c)
	return root
}

func (b *Block) static(c *conf.Config) {
	b.addresses("static_ipaddress", c.StaticAddresses)
	b.routes("static_routes", c.StaticRoutes)
	b.routes("static_rules", c.StaticRules)
}

// trackGroup is a track_group.
func trackGroup(g *conf.TrackGroup) *Block {
	b := &Block{Keyword: "track_group", Name: []string{g.Name}, Pos: g.Pos}
	var lines []Line
	for _, m := range g.Members {
		lines = append(lines, Line{Words: []string{m}})
	}
	b.list("group", lines)
	return b
}

func (b *Block) add(sub *Block) { b.Blocks = append(b.Blocks, sub) }

func (b *Block) set(s Setting) *Setting {
	b.Settings = append(b.Settings, s)
	return &b.Settings[len(b.Settings)-1]
}

// flag is a keyword that stands alone, and is not there otherwise.
func (b *Block) flag(keyword string, v bool) {
	b.set(Setting{Keyword: keyword, Value: v, Implied: !v})
}

// on is a keyword with on or off; d holds where it is not there.
func (b *Block) on(keyword string, v, d bool) *Setting {
	w := "off"
	if v {
		w = "on"
	}
	return b.set(Setting{Keyword: keyword, Words: []string{w}, Value: v, Implied: v == d})
}

// choice leaves out what is left to others.
func (b *Block) choice(keyword string, c conf.Choice) {
	if c != conf.Unsaid {
		b.on(keyword, c == conf.Yes, c == conf.No)
	}
}

func (b *Block) num(keyword string, v, d int) *Setting {
	return b.set(Setting{Keyword: keyword, Words: []string{strconv.Itoa(v)}, Value: v, Implied: v == d})
}

func (b *Block) dur(keyword string, v, d time.Duration) *Setting {
	return b.set(Setting{Keyword: keyword, Words: []string{schema.FormatSeconds(int64(v))}, Value: v.Seconds(), Implied: v == d})
}

// str leaves out what is empty: there is no such value.
func (b *Block) str(keyword, v, d string) {
	if v != "" || d != "" {
		b.set(Setting{Keyword: keyword, Words: []string{v}, Value: v, Implied: v == d})
	}
}

// cmd is a command with the user and group that it runs as.
func (b *Block) cmd(keyword string, c *conf.Command) {
	if c == nil || len(c.Argv) == 0 {
		return
	}
	w := []string{commandWord(c.Argv)}
	if c.User != "" {
		w = append(w, c.User)
		if c.Group != "" {
			w = append(w, c.Group)
		}
	}
	b.set(Setting{Keyword: keyword, Words: w, Value: command(c)})
}

func command(c *conf.Command) object {
	o := object{{"argv", c.Argv}}
	if c.User != "" {
		o = append(o, member{"user", c.User})
	}
	if c.Group != "" {
		o = append(o, member{"group", c.Group})
	}
	return o
}

// list leaves out lists without lines.
func (b *Block) list(keyword string, lines []Line) {
	if len(lines) > 0 {
		b.set(Setting{Keyword: keyword, List: true, Lines: lines})
	}
}

func (b *Block) addresses(keyword string, as []conf.Address) {
	var lines []Line
	for i := range as {
		lines = append(lines, Line{addressWords(&as[i]), as[i].Pos})
	}
	b.list(keyword, lines)
}

func addressWords(a *conf.Address) []string {
	w := []string{a.Prefix.String()}
	if a.Peer.IsValid() {
		w[0] = a.Prefix.Addr().String() // a length does not go with a peer
	}
	option := func(name, v string) {
		if v != "" {
			w = append(w, name, v)
		}
	}
	if a.Broadcast.IsValid() {
		option("brd", a.Broadcast.String())
	}
	option("dev", a.Dev)
	option("scope", a.Scope)
	option("label", a.Label)
	if a.Peer.IsValid() {
		option("peer", a.Peer.Addr().String())
	}
	for _, o := range a.Options {
		w = append(w, split(o)...)
	}
	if a.UseVMAC {
		w = append(w, "use_vmac")
	}
	if a.NoTrack {
		w = append(w, "no_track")
	}
	return w
}

func (b *Block) routes(keyword string, rs []conf.Route) {
	var lines []Line
	for _, r := range rs {
		lines = append(lines, Line{r.Words, r.Pos})
	}
	b.list(keyword, lines)
}

func (b *Block) tracks(keyword string, ts []conf.Track) {
	var lines []Line
	for _, t := range ts {
		w := []string{t.Name}
		if t.WeightSet || t.Weight != 0 || t.Reverse { // reverse takes a weight before it
			w = append(w, "weight", strconv.Itoa(t.Weight))
		}
		if t.Reverse {
			w = append(w, "reverse")
		}
		lines = append(lines, Line{w, t.Pos})
	}
	b.list(keyword, lines)
}

// Find is the setting of a keyword, nil if there is none.
func (b *Block) Find(keyword string) *Setting {
	if i := slices.IndexFunc(b.Settings, func(s Setting) bool { return s.Keyword == keyword }); i >= 0 {
		return &b.Settings[i]
	}
	return nil
}
