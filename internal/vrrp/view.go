package vrrp

import (
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// RouterView is one virtual router as it is now, for status and tests.
type RouterView struct {
	Name  string
	State State
	Since clock.Instant // when State was entered
	Cause Cause         // why; nil before Start

	Priority Priority // effective: what adverts carry
	Base     Priority // as configured

	// Master is who was heard last as master, its priority and interval; no
	// address when none was heard since State was entered, or it is us.
	Master         netip.Addr
	MasterPriority Priority
	MasterAdvert   time.Duration // what Master_Down_Interval is reckoned with
	Heard          clock.Instant // when Master was heard last, 0 = never

	// Down is Master_Down_Interval as it is now.
	Down time.Duration
	// Deadline is when a backup takes over unless it hears somebody, and when
	// an active router sends its next advert; 0 where there is no such time.
	Deadline clock.Instant
	// Group is the index of the router's sync group, -1 without.
	Group int
	// Tracks is what the router watches, its group's included; valid until the
	// next Step.
	Tracks []TrackView
}

// TrackView is a tracked object as one router sees it.
type TrackView struct {
	TrackRef
	Known bool // reported at least once
	Up    bool
	Why   string
}

// GroupView is one sync group as it is now.
type GroupView struct {
	Name    string
	State   State
	Since   clock.Instant
	Cause   Cause
	Members []int // indexes of routers; valid until the next Step
}
