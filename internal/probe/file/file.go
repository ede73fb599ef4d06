// Package file is FILE_CHECK: a file holds a number, which is added to the
// weight of a server, or says whether it is well.
//
// A file that is not there, or holds no number, holds 0, as with keepalived.
// The file is read anew for each attempt; who asks often sees a change soon,
// on every filesystem and through every symbolic link.
package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

const (
	// maxRead is how many bytes of a file are looked at.
	maxRead = 128
	// settle is how long an empty file is given: whoever writes it anew
	// empties it first.
	settle = 20 * time.Millisecond
)

// Config says which file counts for what. Names in brackets are the keywords
// of keepalived.conf(5).
type Config struct {
	Name string // the track_file's, for people
	Path string // [file]
	// Weight is what the number is multiplied with [weight], -2147483648 to
	// 2147483647; with 0 the file holds 0 while the server is well.
	Weight int
	// Reverse turns the product's sign [reverse]; with a Weight of 0, the
	// server is well while the file does not hold 0.
	Reverse bool
	Base    int // the weight of the server, to which the product is added
}

// Probe reads one file. It is safe for concurrent use.
type Probe struct{ cfg Config }

// New makes a Probe.
func New(c Config) *Probe { return &Probe{cfg: c} }

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	b, err := read(p.cfg.Path)
	if err == nil && len(b) == 0 {
		select {
		case <-ctx.Done():
		case <-time.After(settle):
		}
		b, err = read(p.cfg.Path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil: // no verdict: what it held still counts
		return probe.Result{Reason: probe.Exhausted, Detail: err.Error()}
	}
	n, ok := number(b)
	if !ok {
		return probe.Result{Reason: probe.Exhausted, Detail: fmt.Sprintf("the number in %s is out of range", p.cfg.Path)}
	}
	return p.cfg.judge(n)
}

// judge says what a number means. A product that does not fit a weight is a
// fault if it is negative, and the greatest weight otherwise.
func (c *Config) judge(n int32) probe.Result {
	if c.Weight == 0 {
		if (n != 0) == c.Reverse {
			return probe.Result{OK: true, Reason: probe.OK}
		}
		return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf("tracked file %s holds %d", c.Name, n)}
	}
	product := int64(n) * int64(c.Weight)
	if c.Reverse {
		product = -product
	}
	if product <= math.MinInt32 {
		return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf("tracked file %s holds %d, which makes %d", c.Name, n, product)}
	}
	product = min(product, math.MaxInt32)
	return probe.Result{OK: true, Reason: probe.OK, Weight: c.Base + int(product), WeightSet: true}
}

// read returns the beginning of a regular file.
func read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxRead))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}

// number reads what strtol(3) would with any base: spaces, a sign, and digits,
// octal after 0 and hexadecimal after 0x. Without digits it is 0; false: it
// does not fit 32 bits.
func number(b []byte) (int32, bool) {
	b = bytes.TrimLeft(b, " \t\n\v\f\r")
	sign := ""
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		sign, b = string(b[:1]), b[1:]
	}
	base, digits := 10, "0123456789"
	switch {
	case len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' && bytes.IndexByte([]byte(hexDigits), b[2]) >= 0:
		base, digits, b = 16, hexDigits, b[2:]
	case len(b) > 0 && b[0] == '0':
		base, digits = 8, "01234567"
	}
	end := 0
	for end < len(b) && bytes.IndexByte([]byte(digits), b[end]) >= 0 {
		end++
	}
	if end == 0 {
		return 0, true
	}
	n, err := strconv.ParseInt(sign+string(b[:end]), base, 32)
	return int32(n), err == nil // bounded by ParseInt
}

const hexDigits = "0123456789abcdefABCDEF"

// Init writes a number to a file that is not there, or with overwrite to any
// regular one [init_file].
func Init(path string, value int, overwrite bool) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("initialise track file %s: it is no regular file", path)
	case err == nil && !overwrite:
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("initialise track file %s: %w", path, err)
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NONBLOCK, 0o644) // others read it
	if err != nil {
		return fmt.Errorf("initialise track file %s: %w", path, err)
	}
	_, err = fmt.Fprintf(f, "%d\n", value)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("initialise track file %s: %w", path, err)
	}
	return nil
}
