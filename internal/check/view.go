package check

// View is what one user of a Checker goes by. Real servers of several virtual
// servers that ask the very same of the same target are users of one Checker:
// it is probed once, and each of them has its own beginning (alpha) and can
// stand aside for a while (ha_suspend).
type View struct {
	up     bool
	known  bool // it has heard a verdict
	paused bool
}

// Join returns the view of a new user: what is known already, or what it takes
// the server for until something is; alpha: for down.
func (c *Checker) Join(alpha bool) View {
	if c.known {
		return View{up: c.up, known: true}
	}
	return View{up: !alpha}
}

// Up is what the user takes the server for.
func (v *View) Up() bool { return v.up }

// Known reports whether the user has heard a verdict.
func (v *View) Known() bool { return v.known }

// Waits reports whether the user takes the server for down only since nothing
// is known yet; a Checker that has such users counts its first successes.
func (v *View) Waits() bool { return !v.up && !v.known }

// Paused reports whether the user stands aside.
func (v *View) Paused() bool { return v.paused }

// Pause has the user hear nothing, or again; afterwards it asks Hear what it
// has missed.
func (v *View) Pause(paused bool) { v.paused = paused }

// Hear brings the view up to date with its checker's verdict, and reports
// whether the user is to act on it: one that took a server for up need not be
// told that it is.
func (v *View) Hear(c *Checker) (Verdict, bool) {
	if v.paused || !c.known {
		return Verdict{}, false
	}
	last := c.last
	last.First = !v.known
	news := v.up != c.up || last.First && !c.up
	v.up, v.known = c.up, true
	return last, news
}

// Move takes the view over to another checker, silently.
func (v *View) Move(to *Checker) {
	if to.known && !v.paused {
		v.up, v.known = to.up, true
	}
}
