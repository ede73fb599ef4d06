package interop_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// told is what one daemon has told: the lines of its FIFO, calls of scripts,
// and mails (subject and body).
type told struct {
	dir  func(string) string
	sink *sink
}

func (o *told) read(name string) []string {
	b, _ := os.ReadFile(o.dir(name)) // absent is empty
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// sink is a mail server that takes everything.
type sink struct {
	mu    sync.Mutex
	mails []string
}

func (s *sink) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go s.converse(c)
	}
}

func (s *sink) converse(c net.Conn) {
	defer c.Close()
	fmt.Fprint(c, "220 sink\r\n")
	body, mail := false, ""
	for in := bufio.NewScanner(c); in.Scan(); {
		line := in.Text()
		switch {
		case body && line == ".":
			body = false
			s.mu.Lock()
			s.mails = append(s.mails, mail)
			s.mu.Unlock()
			fmt.Fprint(c, "250 ok\r\n")
		case body && (strings.HasPrefix(line, "Subject: ") || strings.HasPrefix(line, "=> ")):
			mail += line + "|"
		case body:
		case line == "DATA":
			body, mail = true, ""
			fmt.Fprint(c, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

// taken are the mails but for those of the end, which keepalived does not wait
// for, sorted: keepalived sends all at once.
func (s *sink) taken() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.mails {
		if !strings.Contains(m, "stopping") {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}

// notifyConf has a sync group of two and an instance that a reload takes away.
func notifyConf(script, reader, fifo string, third bool) string {
	scripts := func(who string) string {
		var b strings.Builder
		for _, s := range []string{"master", "backup", "fault", "stop", "deleted"} {
			fmt.Fprintf(&b, "    notify_%s \"%s %s %s\"\n", s, script, who, s)
		}
		return b.String() + "    notify " + script + "\n"
	}
	text := fmt.Sprintf(`global_defs {
    router_id test
    script_user root
    notification_email {
        one@example.com
        two@example.com
    }
    notification_email_from us@example.com
    smtp_server 127.0.0.1 2525
    smtp_helo_name lab
    smtp_alert
    vrrp_notify_fifo %s
    vrrp_notify_fifo_script "%s"
    vrrp_garp_master_delay 0
}
vrrp_sync_group G {
    group {
        VI_1
        VI_2
    }
%s}
`, fifo, reader, strings.ReplaceAll(scripts("G"), "    notify_deleted \""+script+" G deleted\"\n", ""))
	text += Instance{Priority: 150, Extra: scripts("VI_1")}.String()
	text += Instance{Name: "VI_2", VRID: 52, Priority: 150, Addresses: []string{"192.0.2.102/24"}, Extra: "smtp_alert off"}.String()
	if third {
		text += Instance{Name: "VI_3", VRID: 53, Priority: 150, Addresses: []string{"192.0.2.103/24"}, Extra: scripts("VI_3")}.String()
	}
	return text
}

// ofObject are the lines about one object, in their order.
func ofObject(lines []string, name string) (out []string) {
	for _, l := range lines {
		if strings.Contains(l, " "+name+" ") || strings.Contains(l, `"`+name+`"`) || strings.HasPrefix(l, name+" ") {
			out = append(out, l)
		}
	}
	return out
}

// beforeStop leaves out lines of the end.
func beforeStop(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.Contains(l, " STOP ") })
}

// With the same file in the same network both tell the same through scripts,
// FIFOs and mail: at the start, on becoming master, in a fault and after it, of
// an instance that a reload takes away, and at the end.
func TestSameNotifications(t *testing.T) {
	commands := map[string][]string{"keepalived": Keepalived(t), "holdfast": Holdfast()}
	l := New(t)
	both := map[string]*told{}
	var life sync.WaitGroup
	for name, command := range commands {
		n := NodeWith(t, l, name, lab.Port{LAN: "lan " + name, Name: "eth0", Addresses: []string{"192.0.2.11/24"}})
		o := &told{dir: func(file string) string { return l.Path(name + "." + file) }, sink: &sink{}}
		both[name] = o
		server, err := n.Listen("tcp", "127.0.0.1:2525")
		Must(t, err)
		t.Cleanup(func() { server.Close() })
		go o.sink.serve(server)
		script, reader, fifo := o.dir("call.sh"), o.dir("read.sh"), o.dir("fifo")
		Must(t, os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" >>"+o.dir("calls")+"\necho \"$HOLDFAST_STATE $HOLDFAST_CAUSE\" >>"+o.dir("causes")+"\n"), 0o755)) // it is run
		Must(t, os.WriteFile(reader, []byte("#!/bin/sh\nexec cat \"$1\" >>"+o.dir("lines")+"\n"), 0o755))                                                             // it is run
		d := Prepare(t, n, command, notifyConf(script, reader, fifo, true))
		life.Go(func() { o.live(t, l, d, notifyConf(script, reader, fifo, false)) })
	}
	life.Wait()
	k, h := both["keepalived"], both["holdfast"]
	for _, name := range []string{"VI_1", "VI_2", "VI_3", "G"} {
		// keepalived ends its reader before that has the last lines, we after.
		a, b := beforeStop(ofObject(k.read("lines"), name)), ofObject(h.read("lines"), name)
		if !slices.Equal(a, beforeStop(b)) || len(a) == 0 || name != "VI_3" && len(b) == len(a) {
			t.Errorf("FIFO lines about %s: keepalived wrote %q, we %q", name, a, b)
		}
		a, b = ofObject(k.read("calls"), name), ofObject(h.read("calls"), name)
		slices.Sort(a) // those of one transition run side by side
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("calls about %s: keepalived made %q, we %q", name, a, b)
		}
	}
	if a, b := k.sink.taken(), h.sink.taken(); !slices.Equal(a, b) || len(a) == 0 {
		t.Errorf("mails: keepalived sent %q, we %q", a, b)
	}
	if !slices.ContainsFunc(h.read("causes"), func(s string) bool { return strings.HasPrefix(s, "MASTER heard nobody for") }) {
		t.Errorf("causes: %q", h.read("causes"))
	}
}

// live is one daemon's life, each step once the one before has been told.
func (o *told) live(t *testing.T, l *lab.Lab, d *lab.Daemon, without string) {
	until := func(file, line string, n int) {
		Wait(t, fmt.Sprintf("%s tells %q", d.Name, line), func() bool {
			return strings.Count(strings.Join(o.read(file), "\n")+"\n", line+"\n") >= n
		})
	}
	masters := func(n int) {
		until("lines", `GROUP "G" MASTER 0`, n)
		until("lines", `INSTANCE "VI_3" MASTER 150`, n)
	}
	Must(t, d.Start())
	masters(1)
	Must(t, l.Cut(d.Node.Name()))
	until("lines", `GROUP "G" FAULT 0`, 1)
	until("lines", `INSTANCE "VI_3" FAULT 150`, 1)
	Must(t, l.Heal(d.Node.Name()))
	masters(2)
	mails := func(n int) {
		Wait(t, fmt.Sprintf("%s sends %d mails", d.Name, n), func() bool { return len(o.sink.taken()) >= n })
	}
	mails(15) // keepalived's reload loses those on their way
	Must(t, d.Configure(without))
	Must(t, d.Reload())
	until("lines", `INSTANCE "VI_3" DELETED 150`, 1)
	mails(16)
	Must(t, d.Stop())
	until("calls", "GROUP G STOP 0", 1)
	until("calls", "INSTANCE VI_1 STOP 150", 1)
	until("calls", "VI_1 stop", 1)
	until("calls", "G stop", 1)
}
