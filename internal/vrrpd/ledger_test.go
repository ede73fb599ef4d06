package vrrpd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
)

// A ledger that cannot be written is written once that is possible again.
func TestLedgerIsWrittenOnceItCanBe(t *testing.T) {
	b := newBench(t)
	posted := make(chan func(), 1)
	b.post = func(fn func()) bool { posted <- fn; return true }
	b.cfg = build.FromVRRP(config(instance("VI_1", 51, 100, "192.0.2.100/24")))
	dir := filepath.Join(t.TempDir(), "run")
	b.book.path = filepath.Join(dir, "a.ledger")
	b.noteLedger()
	(<-posted)()
	at, wants := b.nextLedger()
	if !wants || at != b.at.Add(ledgerPause) {
		t.Fatalf("it is tried again at %v, %v", at, wants)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b.at = at
	b.tickLedger(at, 0)
	(<-posted)()
	if l, err := readLedger(b.book.path); err != nil || len(l.Addresses) != 1 {
		t.Errorf("it has %+v: %v", l, err)
	}
	if at, wants := b.nextLedger(); wants {
		t.Errorf("it is to be written again at %v", at)
	}
}
