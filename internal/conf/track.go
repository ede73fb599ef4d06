package conf

import (
	"slices"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// maxTrackWeight is the largest weight of a tracked thing: priorities of
// routers that are no owners go from 1 to 254.
const maxTrackWeight = 253

// trackInterface reads INTERFACE [weight N [reverse]].
func trackInterface(l *loader, s *stmt) {
	l.needInterface(s.Node.Words[0], "track_interface")
	l.track(s, l.tracks.ifaces)
}

// trackScript reads SCRIPT [weight N [reverse]]; whether there is such a
// script is seen when the file has been read.
func trackScript(l *loader, s *stmt) {
	if l.track(s, l.tracks.scripts) {
		l.tracked = append(l.tracked, trackNotes{word: s.Node.Words[0], before: len(l.cfg.Scripts), said: saysReverse(s)})
	}
}

func saysReverse(s *stmt) bool {
	return slices.ContainsFunc(s.Node.Words, func(w syntax.Word) bool { return w.Text == "reverse" || w.Text == "noreverse" })
}

// trackKey is a name in a list of tracked things.
type trackKey struct {
	list *[]Track
	name string
}

func (l *loader) track(s *stmt, into *[]Track) bool {
	w := s.Node.Words
	t := Track{Name: w[0].Text, Pos: l.pos(w[0])}
	key := trackKey{into, t.Name}
	if l.trackedIn[key] {
		s.Fault("HF031", diag.Error, w[0], t.Name+" is tracked twice", "")
		return false
	}
	if l.trackedIn == nil {
		l.trackedIn = map[trackKey]bool{}
	}
	l.trackedIn[key] = true
	weighed := false
	for i := 1; i < len(w); i++ {
		reversible := weighed
		weighed = w[i].Text == "weight"
		switch w[i].Text {
		case "weight":
			if i++; i >= len(w) {
				s.Fault("HF012", diag.Error, w[i-1], "weight needs a number, the line is ignored", "a number from -253 to 253")
				return false
			}
			n, err := strconv.Atoi(w[i].Text)
			if err == nil && (n == maxTrackWeight+1 || n == -maxTrackWeight-1) {
				n = max(min(n, maxTrackWeight), -maxTrackWeight)
				s.Fault("HF011", diag.Error, w[i], "weight "+w[i].Text+" is out of range, taking "+strconv.Itoa(n), "a number from -253 to 253")
			}
			if err != nil || n < -maxTrackWeight || n > maxTrackWeight {
				s.Fault("HF011", diag.Error, w[i], "weight "+strconv.Quote(w[i].Text)+" is not valid, it is ignored", "a number from -253 to 253")
				continue
			}
			t.Weight, t.WeightSet = n, true
		case "reverse", "noreverse":
			if reversible {
				t.Reverse = w[i].Text == "reverse"
				continue
			}
			fallthrough
		default:
			s.Fault("HF011", diag.Error, w[i], "unknown option "+strconv.Quote(w[i].Text)+", "+t.Name+" is not tracked", "weight NUMBER, then perhaps reverse or noreverse")
			return false
		}
	}
	*into = append(*into, t)
	return true
}

// name remembers a name; false: it is known already.
func (l *loader) name(kind string, w syntax.Word) bool {
	if l.named == nil {
		l.named = map[string]bool{}
	}
	key := kind + " " + w.Text
	known := l.named[key]
	l.named[key] = true
	return !known
}

// define remembers a thing that can be tracked.
func define(kind string) func(*loader, *stmt) {
	return func(l *loader, s *stmt) {
		l.name(kind, s.Words()[0])
		l.defined, l.definedHas = s.Words()[0], ""
	}
}

// has notes that the thing has what it needs.
func has(l *loader, s *stmt) {
	if l.definedHas != "" {
		s.Fault("HF031", diag.Error, s.Keyword(), s.Keyword().Text+" is given twice, the second is ignored", "")
	}
	l.definedHas = s.Keyword().Text
}

// bfdNeighbour notes the other side of a session; each has one session only.
func bfdNeighbour(l *loader, s *stmt) {
	l.definedHas = s.Keyword().Text
	l.bfd.Neighbour = s.Value(0).Addr
	key := "neighbour " + s.Value(0).Addr.String()
	if of, twice := l.neighbours[key]; twice && of != l.defined.Text {
		s.Fault("HF031", diag.Error, s.Words()[0], "bfd_instance "+of+" has the neighbour "+s.Text()+" already, this one is ignored", "")
		delete(l.named, "track_bfd "+l.defined.Text)
		return
	}
	if l.neighbours == nil {
		l.neighbours = map[string]string{}
	}
	l.neighbours[key] = l.defined.Text
}

// needs ends a block that is nothing without a certain keyword.
func needs(kind, keyword string) func(*loader) {
	return func(l *loader) {
		if l.definedHas == "" {
			l.fault("HF012", l.defined, kind+" "+l.defined.Text+" has no "+keyword+", it is ignored", keyword+" …", "")
			delete(l.named, kind+" "+l.defined.Text)
		}
	}
}
