package conf

import (
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// maxTrackWeight is the largest weight of a tracked thing: priorities of
// routers that are no owners go from 1 to 254.
const maxTrackWeight = 253

// trackInterface reads INTERFACE [weight N [reverse]].
func (l *loader) trackInterface(s *stmt, into *[]Track) {
	l.needInterface(s.Node.Words[0], "track_interface")
	l.track(s, into)
}

// trackScript reads SCRIPT [weight N [reverse]]; whether there is such a
// script is seen when the file has been read.
func (l *loader) trackScript(s *stmt, into *[]Track) {
	if l.track(s, into) {
		l.tracked = append(l.tracked, trackNotes{word: s.Node.Words[0], list: into})
	}
}

func (l *loader) track(s *stmt, into *[]Track) bool {
	w := s.Node.Words
	t := Track{Name: w[0].Text, Pos: l.pos(w[0])}
	for _, o := range *into {
		if o.Name == t.Name {
			s.Fault("HF031", diag.Error, w[0], t.Name+" is tracked twice", "")
			return false
		}
	}
	for i := 1; i < len(w); i++ {
		switch w[i].Text {
		case "weight":
			if i++; i >= len(w) {
				s.Fault("HF012", diag.Error, w[i-1], "weight needs a number, the line is ignored", "a number from -253 to 253")
				return false
			}
			n, err := strconv.Atoi(w[i].Text)
			if err != nil || n < -maxTrackWeight || n > maxTrackWeight {
				s.Fault("HF011", diag.Error, w[i], "weight "+strconv.Quote(w[i].Text)+" is not valid, it is ignored", "a number from -253 to 253")
				continue
			}
			t.Weight, t.WeightSet = n, true
		case "reverse":
			t.Reverse = true
		case "noreverse":
			t.Reverse = false
		default:
			s.Fault("HF011", diag.Error, w[i], "unknown option "+strconv.Quote(w[i].Text)+" of "+t.Name, "weight NUMBER, reverse or noreverse")
		}
	}
	*into = append(*into, t)
	return true
}
