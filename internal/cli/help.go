package cli

const helpText = `holdfast keeps a service's address alive and its traffic on healthy servers.
It reads keepalived.conf and takes keepalived's options.

Commands
  holdfast check FILE…      say everything that is wrong with a configuration
  holdfast config           dump what a configuration comes to, diff two of them,
                            fmt: lay files out
  holdfast simulate FILE…   what a cluster does when a node dies: on virtual time, from its files
  holdfast explain [NAME]   ask the running daemon what happened, why this router is master or
                            not, and what would happen if the master failed now
  holdfast explain ID…      say more about what check found, such as HF010
  holdfast status           ask the running daemon: who is master, and why
  holdfast server           drain, disable, enable or weigh a real server, until it is taken back
  holdfast hash             the digest of a page, for an HTTP_GET; also as genhash
  holdfast lab              two directors, three servers and a client, to play with
  holdfast completion SHELL completion for bash, zsh or fish
  holdfast version
  holdfast help

The daemon
  holdfast -n -l -D -f FILE run in the foreground, log to the terminal
  holdfast -t -f FILE       only test the configuration
  holdfast -h               all options
`

// optionsText is the text of -h.
const optionsText = `Usage: %s [OPTION…]

What to run
  -f, --use-file=FILE           configuration file, /etc/keepalived/keepalived.conf by default
  -i, --config-id=ID            for lines that begin with @ID; the host's name by default
  -P, --vrrp                    only VRRP
  -C, --check                   only health checks and virtual servers
  -B, --no_bfd                  no BFD: what tracks a session finds it down from the start,
                                a BFD_CHECK leaves its server in, or out with alpha
      --all                     start every subsystem, configured or not
  -s, --namespace=NAME          run in that network namespace
  -t, --config-test[=FILE]      only test the configuration; say what is wrong on stderr, or in FILE
  -e, --all-config              every included file must be there
      --strict                  refuse to start with problems in the configuration
  -x, --snmp                    serve everything over SNMP
  -A, --snmp-agent-socket=FILE  where the AgentX master agent is

How to run
  -n, --dont-fork               stay in the foreground
  -p, --pid=FILE                pid file of the parent, /run/keepalived.pid by default
  -r, --vrrp_pid=FILE           pid file of the VRRP child
  -c, --checkers_pid=FILE       pid file of the checker child
  -b, --bfd_pid=FILE            pid file of the BFD child
      --control=PATH            control socket; by default the pid file's name with .sock
  -R, --dont-respawn            end when a child dies, instead of starting it again
  -u, --umask=MASK              for the files that are made
      --ignore-sigint           Ctrl-C does not stop it
  -m, --core-dump               dump core when it crashes
  -M, --core-dump-pattern[=P]   and have the kernel name the dumps P while it runs; core by default

What to leave at stop
  -V, --dont-release-vrrp       virtual addresses and routes
  -I, --dont-release-ipvs       virtual servers
  -X, --release-vips            but drop virtual addresses when a signal makes it backup

Where to log
  -l, --log-console             also to stderr
  -D, --log-detail              in detail
  -S, --log-facility=FACILITY   syslog: 0-7, local0-local7, user or daemon (default)
  -g, --log-file[=FILE]         also to files; /tmp/keepalived.log by default
  -G, --no-syslog               not to syslog
  -a, --address-monitoring      log every address that comes or goes
  -d, --dump-conf               log the configuration
      --log-json                one JSON object a line, on stderr and in files

Asking
      --signum=NAME             the number of the signal for STOP, RELOAD, DATA, STATS, STATS_CLEAR, JSON, TDATA
  -v, --version
  -h, --help

Taken for the original's sake, needless here: -L, -O,
--no-mem-check, --flush-log-file, --config-fd, --debug, --perf. -T (--genhash)
comes first and makes it genhash; see holdfast hash --help.
`
