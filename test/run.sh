#!/bin/bash
# Runs everything that this machine can test; `make test` and CI call exactly this.
#
# As root on Debian it first installs what the tests talk to, by package name.
# What cannot run here is skipped, and the summary says why.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

# What the tests need beside Go: a C compiler for the race detector, keepalived
# and FRR as the other router, keepalived as the referee, dbus for a bus,
# snmpd as the master of SNMP, tshark
# to look at what is sent, nginx, unbound, OpenSMTPD, vsftpd, Redis and PostgreSQL as back
# ends, and a kernel with IPVS (User Mode Linux).
packages="gcc libc6-dev iproute2 keepalived nginx-light unbound opensmtpd vsftpd redis-server postgresql tshark frr dbus ipvsadm user-mode-linux kmod iptables snmpd snmp"

policy=
install_packages() {
	local missing=()
	for p in $packages; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	echo "== installing ${missing[*]}"
	# Debian's own way to install a service without starting it.
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		policy=/usr/sbin/policy-rc.d
		trap 'rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	install_packages || echo "-- some packages could not be installed; the tests that need them will be skipped"
else
	echo "-- not root on Debian: nothing is installed, tests that need root or a missing program are skipped"
fi

status=0
step() {
	echo "== $*"
	"$@" || { echo "-- failed: $*"; status=1; }
}
formatted() {
	local odd
	odd=$(gofmt -l api cmd internal test)
	[ -z "$odd" ] || { echo "not gofmt'ed: $odd"; return 1; }
}

units=$(go list ./... | grep -v '/test/')
record=$(mktemp -d)
trap 'rm -rf "$record" $policy' EXIT
step formatted
step go vet ./...
step make -s build
# shellcheck disable=SC2086
if command -v gcc >/dev/null; then
	step env CGO_ENABLED=1 go tool gotestsum --format pkgname --jsonfile "$record/1" -- -race -timeout 5m $units
else
	echo "-- no C compiler: the race detector is skipped"
	step go tool gotestsum --format pkgname --jsonfile "$record/1" -- -timeout 5m $units
fi
# Ten thousand random histories of clusters, without the race detector.
step go test -count 1 -timeout 5m ./internal/sim -run TestRandomHistories -seeds 10000
# A short run of every fuzz target, by count: what it finds does not depend on
# how fast this machine is.
step ./test/fuzz.sh 10000x
# Networks of namespaces, other routers, a kernel with IPVS: one package after
# another, since they share two cores with the daemons that they watch.
step go tool gotestsum --format pkgname --jsonfile "$record/2" -- -count 1 -p 1 -timeout 10m ./test/...
# The runner's closing lines once more, over both.
echo "== together"
go tool gotestsum --format none --raw-command -- cat "$record"/1 "$record"/2 || status=1
exit $status
