package build

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Same reports whether a reload from r to o changes nothing, wherever in the
// files they stand. A reload asks it of every router there is, so it does
// without what makes the function of that name so general.
func (r *Router) Same(o *Router) bool {
	return r.sameSpeaker(o) && r.sameAuth(o) &&
		slices.Equal(r.Advertised, o.Advertised) && same(r.Addresses, o.Addresses, sameAddress) &&
		same(r.Routes, o.Routes, sameRoute) && same(r.Rules, o.Rules, sameRoute) &&
		r.ARPInterval == o.ARPInterval && r.NAInterval == o.NAInterval && r.Extra == o.Extra && r.ExtraAll == o.ExtraAll &&
		r.PromoteSecondaries == o.PromoteSecondaries && r.Lease == o.Lease && r.RxBuffer == o.RxBuffer && r.Drop == o.Drop &&
		sameNotify(&r.Notify, &o.Notify) && r.NotifyPriority == o.NotifyPriority && r.Mail == o.Mail && r.Blocked == o.Blocked
}

// sameSpeaker is about who they are, where they speak, and to whom.
func (r *Router) sameSpeaker(o *Router) bool {
	return r.Name == o.Name && r.Interface == o.Interface && r.Base == o.Base && r.VMAC == o.VMAC && r.XmitBase == o.XmitBase &&
		r.Speaker == o.Speaker && r.Family == o.Family && r.Version == o.Version && r.VRID == o.VRID && r.Interval == o.Interval &&
		r.Source == o.Source && r.TrackSource == o.TrackSource && r.Group == o.Group && r.Unicast == o.Unicast &&
		slices.Equal(r.Peers, o.Peers) && r.TTL == o.TTL && r.CheckSource == o.CheckSource
}

func (r *Router) sameAuth(o *Router) bool {
	return r.AuthType == o.AuthType && r.AuthData == o.AuthData && Same(r.HMAC, o.HMAC) &&
		r.Checksum == o.Checksum && r.NoOldChecksum == o.NoOldChecksum
}

func sameAddress(a, b *conf.Address) bool {
	return a.Prefix == b.Prefix && a.Dev == b.Dev && a.Label == b.Label && a.Scope == b.Scope &&
		a.Broadcast == b.Broadcast && a.Peer == b.Peer && a.NoTrack == b.NoTrack && a.UseVMAC == b.UseVMAC &&
		slices.Equal(a.Options, b.Options)
}

func sameRoute(a, b *conf.Route) bool { return slices.Equal(a.Words, b.Words) }

func sameNotify(a, b *conf.Notify) bool {
	return *a == *b /* nobody is told, mostly */ || Same(a, b)
}
