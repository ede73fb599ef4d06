package checkd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/director"
)

const (
	// auditInterval is how often the director's table is read and what others
	// changed in it is put back.
	auditInterval = time.Minute
	// auditShare bounds the part of the time that audits take: one in auditShare.
	auditShare = 100
	// auditTold is how much of what an audit put back is told one by one.
	auditTold = 5
)

// auditing is an audit that is under way.
type auditing struct {
	took   time.Duration // by now
	undone []director.Op
}

// putBack reads a part of the director's table and undoes what others did to it.
// Between two parts it leaves as much time to others: on a machine of one
// processor a large table would keep the next configuration from being read.
func (w *writer) putBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.patience(setPatience))
	defer cancel()
	began := time.Now()
	undone, over, err := w.auditor.Audit(ctx)
	w.undone = append(w.undone, undone...)
	took := time.Since(began)
	w.took += took
	if !over {
		w.audit = time.Now().Add(took)
		return err
	}
	err = errors.Join(err, w.setExpiry(), w.setHearing())
	w.may, w.audit = time.Now().Add(auditShare*w.took), time.Now().Add(max(auditInterval, auditShare*w.took))
	w.tellUndone(ctx, w.undone)
	w.auditing = auditing{}
	return err
}

// tellUndone tells, and counts, what of others was undone.
func (w *writer) tellUndone(ctx context.Context, undone []director.Op) {
	n := len(undone)
	if n == 0 {
		return
	}
	clauses := make([]string, 0, auditTold+1)
	for i, op := range undone {
		if i == auditTold {
			clauses = append(clauses, fmt.Sprintf("and %d more", n-i))
			break
		}
		clauses = append(clauses, op.String())
	}
	w.tell(slog.LevelWarn, fmt.Sprintf("somebody else changed the table of %s; undid %s: %s",
		w.dir.Name(), diag.Counted(n, "change"), strings.Join(clauses, ", ")))
	w.daemon.post(ctx, func() { w.daemon.putBack += n })
}
