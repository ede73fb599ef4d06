package ipvs

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// maxFailures bounds how many refusals an error spells out.
const maxFailures = 20

// failure is an operation that the kernel refused.
type failure struct {
	op  director.Op
	err error
}

// alreadySo: what is to be removed is not there.
func alreadySo(op director.Op, err error) bool {
	gone := errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENOENT)
	return gone && (op.Verb == director.RemoveService || op.Verb == director.RemoveServer)
}

// surprised reports whether a refusal shows that the kernel's table is not
// what we thought: somebody else added, removed or flushed.
func surprised(failed []failure) bool {
	for _, f := range withoutOrphans(failed) {
		switch f.op.Verb {
		case director.AddService: // ENOENT here is an unknown scheduler
			if errors.Is(f.err, syscall.EEXIST) {
				return true
			}
		case director.AddServer:
			if errors.Is(f.err, syscall.EEXIST) || errors.Is(f.err, syscall.ESRCH) {
				return true
			}
		case director.ChangeService:
			if errors.Is(f.err, syscall.ESRCH) {
				return true
			}
		case director.ChangeServer:
			if errors.Is(f.err, syscall.ESRCH) || errors.Is(f.err, syscall.ENOENT) {
				return true
			}
		case director.RemoveServer, director.RemoveService:
		}
	}
	return false
}

// withoutOrphans leaves out the servers of services that could not be added:
// their refusal says nothing new.
func withoutOrphans(failed []failure) []failure {
	refused := map[lvs.ServiceKey]bool{}
	var out []failure
	for _, f := range failed {
		if f.op.Verb == director.AddService {
			refused[f.op.Service] = true
		} else if refused[f.op.Service] && errors.Is(f.err, syscall.ESRCH) {
			continue
		}
		out = append(out, f)
	}
	return out
}

// failures makes one error of all, nil if there are none.
func failures(failed []failure) error {
	failed = withoutOrphans(failed)
	var errs []error
	for i, f := range failed {
		if i == maxFailures {
			errs = append(errs, fmt.Errorf("and %d more", len(failed)-i))
			break
		}
		errs = append(errs, fmt.Errorf("%s: %w%s", f.what(), f.err, f.hint()))
	}
	return errors.Join(errs...)
}

func (f failure) what() string {
	service, server := director.ServiceName(f.op.Service), director.ServerName(f.op.Service, f.op.Server)
	switch f.op.Verb {
	case director.AddService:
		return fmt.Sprintf("add VS %s with scheduler %s", service, f.op.Want.Scheduler)
	case director.ChangeService:
		return fmt.Sprintf("change VS %s to scheduler %s", service, f.op.Want.Scheduler)
	case director.RemoveService:
		return "remove VS " + service
	case director.AddServer:
		return fmt.Sprintf("add %s to VS %s", server, service)
	case director.ChangeServer:
		return fmt.Sprintf("change %s of VS %s", server, service)
	case director.RemoveServer:
		return fmt.Sprintf("remove %s from VS %s", server, service)
	}
	return "do something unknown"
}

// hint says what to do where the kernel's word does not.
func (f failure) hint() string {
	service := f.op.Verb == director.AddService || f.op.Verb == director.ChangeService
	switch {
	case service && errors.Is(f.err, syscall.ENOENT) && f.op.Want.PersistenceEngine != "":
		return fmt.Sprintf(" (modprobe ip_vs_%s, or ip_vs_pe_%s?)", f.op.Want.Scheduler, f.op.Want.PersistenceEngine)
	case service && errors.Is(f.err, syscall.ENOENT):
		return fmt.Sprintf(" (modprobe ip_vs_%s?)", f.op.Want.Scheduler)
	case errors.Is(f.err, syscall.EAFNOSUPPORT):
		return " (a kernel without IPv6 in IPVS)"
	case errors.Is(f.err, syscall.ESRCH):
		return " (somebody else removes our services)"
	case errors.Is(f.err, syscall.EPERM):
		return " (CAP_NET_ADMIN is missing)"
	}
	return ""
}
