package conf

// DNSCheck is what DNS_CHECK adds.
type DNSCheck struct {
	Type string // "SOA" (default), "A", …
	Name string // without the last dot; empty: the root
}
