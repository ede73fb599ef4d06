package probe

import (
	"context"
	"time"
)

// Timed makes an attempt and notes how long it took.
func Timed(ctx context.Context, attempt func(context.Context) Result) Result {
	begun := time.Now()
	r := attempt(ctx)
	r.Took = time.Since(begun)
	return r
}

// Limit bounds all that is done with c from now on by a time, and ends it when
// ctx does; the error is that of setting the deadline. The caller calls stop
// before it closes c.
func Limit(ctx context.Context, c interface{ SetDeadline(time.Time) error }, patience time.Duration) (stop func() bool, err error) {
	err = c.SetDeadline(time.Now().Add(patience))
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }), err
}
