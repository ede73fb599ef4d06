// Package mutants puts one fault at a time into the state machine and sees that
// the simulator catches it: a proof of the proof. The list is kept by hand;
// each entry is a mistake that somebody could make.
//
// A mutant is a line of internal/vrrp in another wording.
// mutants_test.go builds the simulator's tests with it, by the go command's
// overlay, so that the tree is not touched. It reads nothing else of the house.
package mutants

// mutant is a fault: the only place in file that reads was reads is instead.
type mutant struct {
	what    string
	file    string
	was, is string
	// survives says why the simulator need not catch it; empty: it must.
	survives string
	// test is the unit test of internal/vrrp that catches what survives; empty:
	// nobody can tell the mutant from the real one.
	test string
}

const (
	active   = "active.go"
	backup   = "backup.go"
	node     = "node.go"
	object   = "object.go"
	prepare  = "prepare.go"
	quarrel  = "quarrel.go"
	reload   = "reload.go"
	rival    = "rival.go"
	router   = "router.go"
	schedule = "schedule.go"
	slept    = "slept.go"
	timing   = "timing.go"
	unit     = "unit.go"
)

var list = []mutant{
	// Timing.
	{what: "version 2's skew is of an interval", file: timing, was: "unit = time.Second", is: "_ = unit"},
	{what: "skew grows with the priority", file: timing, was: "time.Duration(256-int(p)) * unit", is: "time.Duration(int(p)) * unit"},
	{what: "no skew", file: timing, was: "* unit / 256", is: "* unit / 1_000_000"},
	{what: "one advert fewer may be missed", file: timing, was: "time.Duration(adverts)*masterAdvert", is: "time.Duration(adverts-1)*masterAdvert"},
	{what: "down_timer_adverts is ignored", file: router, was: "MasterDown(r.cfg.Version, r.priority, r.cfg.DownAdverts, r.masterAdvert)", is: "MasterDown(r.cfg.Version, r.priority, 3, r.masterAdvert)"},
	{what: "a master's interval is not learned", file: backup, was: "r.masterAdvert = ev.Advert", is: "_ = ev"},
	{what: "a master's interval is learned in version 2, too", file: backup, was: "r.cfg.Version == 2 || ev.Advert <= 0", is: "ev.Advert <= 0",
		survives: "adverts of version 2 with another interval have been refused before"},
	{what: "the interval survives the state", file: router, was: "\tr.masterAdvert = r.cfg.Advert\n", is: "\tr.masterAdvert = max(r.masterAdvert, r.cfg.Advert)\n"},
	{what: "adverts drift", file: active, was: "r.advert = clock.Following(r.advert, n.now, r.cfg.Advert)", is: "r.advert = n.now.Add(r.cfg.Advert + r.cfg.Advert/50)"},
	{what: "the first advert is late", file: active, was: "r.advert = n.now.Add(n.first(r))\n\tn.announce", is: "r.advert = n.now.Add(2 * r.cfg.Advert)\n\tn.announce"},
	{what: "a timer that comes sooner is not noticed", file: schedule, was: "at < r.planned", is: "at < r.planned-1e9"},
	{what: "many routers fall due together", file: timing, was: "if steps < 2 {", is: "if steps >= 0 {",
		survives: "a simulated host has three routers", test: "TestManyRoutersShareTheInterval"},
	{what: "routers stand side by side for one step only", file: timing, was: "uint64(uint32(i) * golden)", is: "uint64(uint32(i))",
		survives: "a simulated host has three routers", test: "TestManyRoutersShareTheInterval"},
	{what: "few routers do not wait a whole interval", file: timing, was: "min(time.Duration(routers/stepRouters), half/minStep)", is: "min(time.Duration(routers), half/minStep)"},
	{what: "steps lie as close as they like", file: timing, was: "min(time.Duration(routers/stepRouters), half/minStep)", is: "time.Duration(routers / stepRouters)",
		survives: "a simulated host has three routers", test: "TestLeadLeavesRoomBetweenSteps"},
	{what: "the first wait is shorter by up to an interval", file: timing, was: "half := advert / 2", is: "half := advert",
		survives: "a simulated host has three routers", test: "TestLeadLeavesRoomBetweenSteps"},
	{what: "the schedule looks at the second first", file: schedule, was: "at == r.planned", is: "at >= r.planned"},

	// Elections.
	{what: "equal priority yields always", file: active, was: "ev.Priority == r.priority && ev.Local.Less(ev.Source)", is: "ev.Priority == r.priority"},
	{what: "equal priority yields never", file: active, was: "ev.Priority == r.priority && ev.Local.Less(ev.Source)", is: "false"},
	{what: "equal priority: the lower address wins", file: active, was: "ev.Priority == r.priority && ev.Local.Less(ev.Source)", is: "ev.Priority == r.priority && ev.Source.Less(ev.Local)"},
	{what: "nobody yields", file: active, was: "\tn.move(r.unit, r, Backup, c)\n", is: ""},
	{what: "a lower priority deposes", file: active, was: "return ev.Priority > r.priority ||", is: "return ev.Priority < r.priority ||"},
	{what: "no last word", file: active, was: "if r.cfg.HigherPrioSendAdvert {", is: "if false {"},
	{what: "no answer to a worse master", file: active, was: "if !r.cfg.LowerPrioNoAdvert {", is: "if r.cfg.LowerPrioNoAdvert {"},
	{what: "no announcement beside a worse master", file: active, was: "n.announce(r, g.LowerPrioRepeat)\n\tif g", is: "if g"},
	{what: "no second announcement beside a worse master", file: active, was: "r.lowerGARP = n.now.Add(g.LowerPrioDelay)", is: "_ = g"},
	{what: "no second announcement after taking over", file: active, was: "r.garp = n.now.Add(g.Delay)", is: "_ = g"},
	{what: "no announcement after taking over", file: active, was: "\tn.announce(r, g.Repeat)\n\tif g.Delay", is: "\tif g.Delay"},
	{what: "two masters are not told", file: rival, was: "if !v.on() {\n\t\t*v = rivalry{since: n.now}", is: "if v.on() {\n\t\t*v = rivalry{since: n.now}"},
	{what: "the end of two masters is told at once", file: rival, was: "v.over = n.now.Add(", is: "v.over = n.now.Add(0 * "},

	// Preemption.
	{what: "nopreempt is ignored", file: backup, was: "r.lower = ev.Priority < r.priority && r.cfg.Preempt", is: "r.lower = ev.Priority < r.priority"},
	{what: "equal priority is deposed", file: backup, was: "r.lower = ev.Priority < r.priority &&", is: "r.lower = ev.Priority <= r.priority &&"},
	{what: "nobody is deposed", file: backup, was: "r.lower = ev.Priority < r.priority &&", is: "r.lower = false &&"},
	{what: "preempt_delay is ignored", file: backup, was: "} else if !n.delays(r) {", is: "} else {"},
	{what: "preempt_delay never ends", file: backup, was: "return n.now.Before(r.preempt)", is: "return true"},
	{what: "preempt_delay begins with each advert", file: backup, was: "if r.preempt == 0 {", is: "if true {"},
	{what: "preempt_delay goes on after a better master", file: backup, was: "\t\tr.preempt = 0\n", is: ""},

	// Priority 0.
	{what: "a resigned master is waited for", file: backup, was: "r.down = min(r.down, max(n.now, n.begin).Add(Skew(r.cfg.Version, r.priority, r.masterAdvert)))", is: "_ = Skew"},
	{what: "who hears of a resignation takes over at once", file: backup, was: ".Add(Skew(r.cfg.Version, r.priority, r.masterAdvert)))", is: ")"},
	{what: "a resignation puts the take-over off", file: backup, was: "r.down = min(r.down,", is: "r.down = max(r.down,"},
	{what: "a resignation is an advert", file: backup, was: "\t\tn.plan.sooner(r)\n\t\treturn\n", is: "\t\tn.plan.sooner(r)\n"},
	{what: "nobody resigns", file: unit, was: "n.do(Send{Router: r.index, Priority: 0})", is: "_ = from"},
	{what: "who yields resigns", file: unit, was: "from == Active && to != Backup", is: "from == Active"},
	{what: "a master does not answer a resignation", file: active, was: "\t\tn.advertise(r)\n\t\tr.advert = n.now.Add(n.first(r))\n", is: ""},

	// Listening.
	{what: "adverts do not put the take-over off", file: backup, was: "\tn.learn(r, ev)\n\tn.arm(r)\n", is: "\tn.learn(r, ev)\n"},
	{what: "the better of two masters is not waited for", file: backup, was: "n.now < b.until && b.beats(ev)", is: "false"},
	{what: "of two equal masters the last one counts", file: backup, was: "ev.Priority < b.prio || ev.Priority == b.prio && ev.Source.Less(b.from)", is: "ev.Priority < b.prio",
		survives: "two of one priority with different intervals are rare in the histories", test: "TestWaitsForTheBetterOfTwoEqualMasters"},
	{what: "a backup does not listen from the beginning", file: backup, was: "r.armed = max(n.now, n.begin)", is: "r.armed = n.begin"},
	{what: "the startup delay is ignored", file: node, was: "n.begin = n.now.Add(n.cfg.StartupDelay)", is: "n.begin = n.now"},
	{what: "the startup delay does not hold owners", file: unit, was: "if owners && n.begin <= n.now {", is: "if owners {"},
	{what: "every master of the file is an owner", file: router, was: "r.cfg.StartActive && r.cfg.Priority == OwnerPriority", is: "r.cfg.StartActive"},
	{what: "an owner is active after a fault, too", file: unit, was: "owners := u.state == Init", is: "owners := true"},
	{what: "take-over without an advert", file: unit, was: "\tcase to == Active:\n\t\tn.advertise(r)\n", is: ""},
	{what: "timers survive the state", file: unit, was: "\tr.rest()\n\tn.do(Become", is: "\tn.do(Become"},

	// Sleeping.
	{what: "a backup that slept does not listen", file: slept, was: "\t\t\t\tn.listenAnew(r, ev.Slept)\n", is: ""},
	{what: "a backup that slept listens for too long a sleep only", file: slept, was: "ev.Slept >= r.masterAdvert", is: "ev.Slept >= 4*r.masterAdvert"},
	{what: "a backup that slept waits anew though the master has resigned", file: backup, was: "r.resigned.IsValid() && slept < r.downInterval()", is: "false"},
	{what: "a resignation stands however long it was slept", file: backup, was: "r.resigned.IsValid() && slept < r.downInterval()", is: "r.resigned.IsValid()"},
	{what: "a backup that slept after a resignation takes over at once", file: backup, was: "r.down, r.wants = max(n.now, n.begin).Add(Skew(r.cfg.Version, r.priority, r.masterAdvert)), false", is: "r.down, r.wants = n.now, false"},
	{what: "a member that slept still wants to take over", file: backup, was: "r.down, r.wants = max(n.now, n.begin).Add(Skew(r.cfg.Version, r.priority, r.masterAdvert)), false", is: "r.down = max(n.now, n.begin).Add(Skew(r.cfg.Version, r.priority, r.masterAdvert))",
		survives: "it takes members whose masters resign one after the other, and a sleep between", test: "TestGroupWokeAfterAResignation"},
	{what: "a master that slept for long does not yield where it should", file: slept, was: "r.cfg.YieldLate > 0 && late > r.cfg.YieldLate", is: "false",
		survives: "simulated routers have no limit for late adverts", test: "TestLateAdvertAfterASleep"},
	{what: "a late advert does not make a master yield", file: active, was: "r.cfg.YieldLate > 0 && late > r.cfg.YieldLate", is: "false",
		survives: "simulated routers have no limit for late adverts", test: "TestLateAdvert"},
	{what: "a master that slept yields to itself", file: slept, was: "\tcase ev.Source == ev.Local: // our own\n", is: "",
		survives: "a simulated network does not return what was sent", test: "TestSaysNothingWhileItListens"},
	{what: "loss does not prolong the listening", file: slept, was: "if ev.Lost != \"\" {\n\t\t\td.until", is: "if false {\n\t\t\td.until",
		survives: "two sleeps within an interval, the second with loss, are too rare", test: "TestSleepsWhileItListens"},
	{what: "a doubt survives the sleep", file: slept, was: "func (n *Node) goOn(r *router) {\n\tr.doubt = doubt{}\n", is: "func (n *Node) goOn(r *router) {\n"},
	{what: "what was due in a sleep is not advertised", file: slept, was: "if r.advert <= n.now {\n\t\tn.advertise(r)\n", is: "if r.advert <= n.now {\n"},
	{what: "a master that slept goes on", file: slept, was: "r.silent(n.now) > r.ownDown()", is: "false"},
	{what: "a master that slept may be silent as long as it likes", file: slept, was: "r.silent(n.now) > r.ownDown()", is: "ev.Slept > r.ownDown()"},
	{what: "what the monotonic clock does not show is no sleep", file: slept, was: "r.sent.Add(-ev.Suspended)", is: "r.sent.Add(0)"},
	{what: "a master that slept speaks before it has heard what came", file: slept, was: "d.until = n.now.Add(r.cfg.Advert)\n\t\t}\n\t\td.slept", is: "d.until = n.now.Add(r.cfg.Advert)\n\t\t\tn.advertise(r)\n\t\t}\n\t\td.slept"},
	{what: "a master that slept does not mind who took over", file: slept, was: "\t\tn.follows(r, ev, Displaced{Slept: r.doubt.slept, From: ev.Source, Priority: ev.Priority})\n", is: ""},
	{what: "a master that slept yields to better ones only", file: slept, was: "\tdefault:\n\t\tif better(r, ev) &&", is: "\tcase !better(r, ev):\n\tdefault:\n\t\tif better(r, ev) &&"},
	{what: "a master that slept yields to who resigns", file: slept, was: "\tcase ev.Priority == 0:\n\t\tif ev.Source == r.rival.from {", is: "\tcase ev.Priority == 0 && ev.Source == r.rival.from:\n\t\tif ev.Source == r.rival.from {"},
	{what: "a master that slept answers who resigns", file: slept, was: "\tcase ev.Priority == 0:\n\t\tif ev.Source == r.rival.from {", is: "\tcase ev.Priority == 0:\n\t\tn.advertise(r)\n\t\tif ev.Source == r.rival.from {"},
	{what: "a last word to who would yield to it", file: slept, was: "if better(r, ev) && r.cfg", is: "if r.cfg"},
	{what: "no last word after a sleep", file: slept, was: "if better(r, ev) && r.cfg.HigherPrioSendAdvert", is: "if false"},
	{what: "a master that slept listens though others wait", file: slept, was: "case !d.lost && d.silent < r.longestDown():", is: "case false:"},
	{what: "a master that slept goes on though packets are lost", file: slept, was: "case !d.lost && d.silent < r.longestDown():", is: "case d.silent < r.longestDown():"},
	{what: "what was lost is forgotten by the next sleep", file: slept, was: "d.lost = d.lost || ev.Lost != \"\"", is: "d.lost = ev.Lost != \"\"",
		survives: "two sleeps within an interval, the second without loss, are too rare", test: "TestLossIsRemembered"},
	{what: "a master that slept for long goes on at once", file: slept, was: "case !d.lost && d.silent < r.longestDown():", is: "case !d.lost:"},
	{what: "members that were not silent listen, too", file: slept, was: "case d.silent <= r.ownDown():", is: "case false:",
		survives: "it takes packets lost, and members whose intervals are far apart", test: "TestGroupSleeps"},
	{what: "members that were not silent do not wait for what came", file: slept, was: "\t\td := &r.doubt\n\t\tif !d.on() {", is: "\t\td := &r.doubt\n\t\tif silent <= r.ownDown() {\n\t\t\tcontinue\n\t\t}\n\t\tif !d.on() {",
		survives: "what came says the same to all members of a simulated host", test: "TestGroupSleeps"},
	{what: "a group that listens stands by who decides", file: active, was: "!r.unit.listens() && ", is: "",
		survives: "it takes a sleep between the patience of two members, and loss", test: "TestGroupSleeps"},
	{what: "members of a group do not listen for as long", file: slept, was: "r.doubt.until = last", is: "_ = last"},
	{what: "it is not listened for a whole interval", file: slept, was: "if !d.on() { // else what it has listened counts\n\t\t\td.until = n.now.Add(r.cfg.Advert)", is: "if !d.on() {\n\t\t\td.until = n.now.Add(r.cfg.Advert / 2)"},
	{what: "listening after a sleep never ends", file: router, was: "return r.doubt.until", is: "return never"},
	{what: "after a sleep nothing is announced", file: slept, was: "\tn.activate(r)\n", is: "\tr.advert = n.now.Add(r.cfg.Advert)\n"},
	{what: "after a sleep nothing is advertised", file: slept, was: "\tn.advertise(r)\n\tn.activate(r)\n", is: "\tn.activate(r)\n"},
	{what: "a reload is advertised by who listens", file: reload, was: "!c.r.doubt.on() && ", is: ""},

	// Sync groups.
	{what: "members do not follow", file: unit, was: "\t\tif r != lead {\n", is: "\t\tif false {\n"},
	{what: "a group takes over for one member", file: backup, was: "\t\tif !m.wants {\n\t\t\treturn\n", is: "\t\tif m == nil {\n\t\t\treturn\n"},
	{what: "a group's state is not told", file: unit, was: "u.state, u.since, u.cause = to, n.now, c", is: "u.since, u.cause = n.now, c"},
	{what: "divided groups yield to each other", file: quarrel, was: "if r == d {", is: "if true {"},
	{what: "divided groups never yield but where they decide", file: quarrel, was: "return d.rival.on() || since < least/2", is: "return d.rival.on() || since >= 0 || least > 0",
		survives: "routers of a simulated host are on one link, so the decider hears what others hear", test: "TestGroupYieldsAsOne"},
	{what: "each node has another member decide", file: quarrel, was: "return c\n", is: "return -c\n"},
	{what: "one member in fault does not hold the group", file: unit, was: "\t\tif r.faults > 0 {\n\t\t\treturn r\n", is: "\t\tif r.faults > 1 {\n\t\t\treturn r\n"},
	{what: "a group does not wait for what is unknown", file: unit, was: "if r.unknown > 0 {", is: "if r.unknown > 1 {"},
	{what: "members' weights count in every group", file: prepare, was: "ref.Weight == 0 || g.TrackingWeight", is: "true"},

	// Tracking.
	{what: "a weight is added twice", file: object, was: "sum += add", is: "sum += 2 * add"},
	{what: "a weight may make an owner", file: object, was: "min(max(sum, 1), 254)", is: "min(max(sum, 1), 255)"},
	{what: "a weight may make priority 0", file: object, was: "min(max(sum, 1), 254)", is: "min(max(sum, 0), 254)"},
	{what: "an owner's priority changes", file: object, was: "case r.cfg.Priority != OwnerPriority:", is: "default:"},
	{what: "what is unknown counts as down", file: object, was: "\t\tcase !w.object.known:\n", is: "\t\tcase false:\n"},
	{what: "a new priority is not advertised", file: object, was: "r.priority, r.send = p, Send{Router: r.index, Priority: p}", is: "r.priority = p"},
	{what: "a new priority does not change the wait", file: object, was: "r.down = r.down.Add(r.downInterval() - before)", is: "_ = before"},
	{what: "recovering is not noticed", file: object, was: "same := o.known && o.up == ev.Up && o.number == ev.Number", is: "same := o.known && (o.up == ev.Up || ev.Up) && o.number == ev.Number"},

	// Reload.
	{what: "a reload shortens the wait for the better master", file: reload, was: "max(r.armed.Add(r.downInterval()), r.best.until)", is: "r.armed.Add(r.downInterval())"},
	{what: "a reload is not advertised", file: reload, was: "if c.was != nil && c.r.state == Active && !c.r.doubt.on() && c.r.advertises(c.was) {", is: "if false {"},
	{what: "a reload begins anew", file: prepare, was: "p.routers[i], stays[at] = n.routers[at], true", is: "p.routers[i], stays[at] = &router{priority: p.cfg.Routers[i].Priority}, true"},

	{what: "two owners quarrel for ever", file: object, was: "\t\tp--\n", is: ""},

	// The end.
	{what: "the end is not told", file: node, was: "n.become(r, Init, Stopped{})", is: "r.state = Init"},
}
