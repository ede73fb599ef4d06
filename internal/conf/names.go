package conf

import (
	"slices"
	"strconv"
	"strings"
)

// Namer is what a System may be besides: it knows the names that iproute2 has
// for numbers. dirs are the folders that may hold the file, the administrator's
// first.
type Namer interface {
	Number(dirs [2]string, file, name string) (n uint32, known bool)
}

// iproute2's folders, as ip-route(8) has them.
const (
	defaultIPRouteEtc = "/etc/iproute2"
	defaultIPRouteUsr = "/usr/share/iproute2"
)

// iproute2's files of names.
const (
	tableNames = "rt_tables"
	protoNames = "rt_protos"
	scopeNames = "rt_scopes"
	dsNames    = "rt_dsfield"
	realmNames = "rt_realms"
	groupNames = "group"
)

// namesOf is where the values of a word of ip-route(8) or ip-rule(8) have names;
// empty: they have none.
func namesOf(word string) (file string) {
	switch word {
	case "table", "lookup":
		return tableNames
	case "protocol":
		return protoNames
	case "scope":
		return scopeNames
	case "tos", "dsfield":
		return dsNames
	case "realms":
		return realmNames
	case "suppress_ifgroup", "group":
		return groupNames
	}
	return ""
}

// number is the value of a word with a name of iproute2's made a number, so
// that nobody else needs its files. What has no number stays as it is.
func (l *loader) number(word, value string) string {
	file := namesOf(word)
	if file == "" {
		return value
	}
	if from, to, both := strings.Cut(value, "/"); both && file == realmNames {
		return l.resolve(file, from) + "/" + l.resolve(file, to)
	}
	return l.resolve(file, value)
}

// resolve is one name's number.
func (l *loader) resolve(file, value string) string {
	namer, ok := l.sys.(Namer)
	if _, err := strconv.ParseUint(value, 0, 64); !ok || err == nil || slices.Contains(usualNames, value) {
		return value
	}
	g := &l.cfg.Global
	if n, known := namer.Number([2]string{firstOf(g.IPRouteEtc, defaultIPRouteEtc), firstOf(g.IPRouteUsr, defaultIPRouteUsr)}, file, value); known {
		return strconv.FormatUint(uint64(n), 10)
	}
	return value
}

// usualNames mean the same on every system.
var usualNames = []string{"default", "main", "local", "unspec", "global", "link", "host", "static"}
