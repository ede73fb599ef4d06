package checkd

import (
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/director/none"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// What others do to the director's table is undone by an audit, told and counted.
func TestOthersAreUndone(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	cfg := config(realServer(b.addr, tcpCheck()))
	w := start(t, cfg)
	w.dir.mu.Lock()
	clear(w.dir.have)
	w.dir.mu.Unlock()
	w.reload(cfg)
	w.hear(`^somebody else changed the table of recorder; undid 1 change: VS \[10\.1\.0\.1\]:tcp:80 was gone$`)
	for seq := uint64(1); ; seq++ { // the count comes a turn of the loop later
		_ = w.parent.Send(ipc.Message{Kind: ipc.Query, Seq: seq, Topic: "status"})
		var s api.Status
		if err := json.Unmarshal(w.receive(ipc.Answer).Body, &s); err != nil {
			t.Fatal(err)
		}
		if s.PutBack == 1 {
			break
		}
		if s.PutBack > 1 || seq == 1000 {
			t.Fatalf("%d put back", s.PutBack)
		}
	}
	w.dir.mu.Lock()
	defer w.dir.mu.Unlock()
	if len(w.dir.have) != 1 {
		t.Errorf("the table is %v", w.dir.have)
	}
}

// What is wanted does not wait until an audit is over.
func TestChangesGoBeforeAnAudit(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.2:80")
	server := realServer(addr)
	w := start(t, config(server))
	w.table("[127.0.0.2=1]")
	w.dir.mu.Lock()
	w.dir.parts = 1 << 40
	w.dir.mu.Unlock()
	w.reload(config(server)) // has an audit begun
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		w.dir.mu.Lock()
		begun := w.dir.parts < 1<<40
		w.dir.mu.Unlock()
		if begun {
			break
		}
		if time.Now().After(end) {
			t.Fatal("there is no audit")
		}
	}
	other := realServer(addr)
	other.Weight = 7
	w.reload(config(other))
	w.table("[127.0.0.2=7]")
	w.dir.mu.Lock()
	clear(w.dir.have)
	w.dir.parts = 3
	w.dir.mu.Unlock()
	w.hear(`^somebody else changed the table of recorder; undid 1 change: VS \[10\.1\.0\.1\]:tcp:80 was gone$`)
}

// A table that nobody else can change is not audited, and its writer rests.
func TestNobodyAuditsWhatIsOurs(t *testing.T) {
	awake := time.AfterFunc(time.Minute, func() { panic("the writer never rests") })
	defer awake.Stop()
	synctest.Test(t, func(*testing.T) {
		w := (&daemon{}).newWriter(none.New(), nil)
		w.put(wanted{})
		w.doubt()
		time.Sleep(2 * auditInterval)
		synctest.Wait()
		w.quit()
		<-w.ended
	})
}

// While the director refuses something, the status says so: servers that are in
// may get nothing.
func TestStatusTellsOfRefusals(t *testing.T) {
	r := &recorder{fail: errors.New("add a server:\nout of range")}
	w := bootWith(t, config(realServer(netip.MustParseAddrPort("127.0.0.2:80"))), ipc.BootInfo{}, r)
	says := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			var got string
			w.on(func(d *daemon) { got = d.status().DirectorRefuses })
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the status says %q, want %q", got, want)
			}
		}
	}
	says("add a server:; out of range")
	r.mu.Lock()
	r.fail = nil
	r.mu.Unlock()
	says("")
}
