package diag

import (
	"slices"
	"strings"
)

// explanations say more about each ID than a line can: what it means, what
// keepalived does, what to do.
var explanations = map[string]string{
	"HF000": `More was found than anybody reads: the list ends after 10000. Mend the first ones; many of the rest probably follow
from them.`,

	"HF001": `The configuration's own file cannot be read, or is no file. Nothing starts.
Look at the path after -f and at the file's permissions; without -f it is /etc/keepalived/keepalived.conf.`,

	"HF002": `A block is opened and never closed. The place is the brace that looks unclosed: the first whose
closing brace stands further left than its keyword, or else the innermost one that is open at the end of the text.
What follows the missing brace belongs to that block, so other keywords may be called unknown for the same reason.
keepalived goes on in the same way, and its test exits with 5.`,

	"HF003": `There is a closing brace and no block to close, or an opening brace without a keyword in front of it.
It is ignored. Often a block above was closed too early: look at the last one that ended on a line of its own.`,

	"HF004": `A double quote is opened and the line ends before it is closed. The words before it count, what follows is lost.
Double quotes keep space and braces in a word; single quotes do not. A backslash before a quote does not keep it from
closing the word, except in the command lines of scripts.`,

	"HF005": `A bound was passed: 4096 files, 64 includes, definitions and sequences within each other, 64 blocks within each
other, lines of 65536 bytes, 16 MiB of text made by definitions and sequences. Mostly a file includes itself or a definition
uses itself. Bounds that are about the whole text are fatal: half a configuration is not run.`,

	"HF006": `$NAME or ${NAME} is used and no line $NAME=VALUE stands above it; or $NAME is defined, but not put in, because it must be
followed by space, a comma, ) or the end of the line: elsewhere write ${NAME}. The text stays as it is. Definitions count from
their line on, also in files that are included later. In quotes nothing is said, for scripts have variables of their own.
keepalived takes the braces of an undefined ${NAME} for a block's; here the word stays whole.`,

	"HF007": `An include matches no file, or one that cannot be read; reading goes on without it. If that should stop the
start, write includem, includew or includea instead, or set include_check: then it is fatal. The name is relative to
the file that the line stands in, is all of the rest of the line, and takes no quotes.`,

	"HF008": `A line ends with a backslash. Only definitions ($NAME= ...) go on over several lines in that way; anywhere else,
and at the end of a comment, keepalived takes the backslash for a part of the line's last word, and so does holdfast.
Write the statement on one line.`,

	"HF009": `The line has a byte that is zero, so this is no text; the line is ignored. Perhaps the file was cut off by a crash,
or is in UTF-16.`,

	"HF010": `No such keyword exists. The line is ignored, as keepalived does. Mind that keepalived ignores only the keyword's
own line, not its block: what stands in the block is read as if it stood around it, and its closing brace ends the block
around it.`,

	"HF011": `The value is not one that the keyword takes: not a number, out of range, not an address, not one of the words
that are allowed. The message says what it would take; keepalived uses the default or leaves the line out.`,

	"HF012": `The keyword needs a value, and the line ends before it.`,

	"HF013": `There are more words than the keyword takes. The rest is ignored. A value with spaces needs double quotes; a
comment needs # or !.`,

	"HF014": `The keyword exists, but not in this block. Perhaps a closing brace is missing above or there is one too many, so that
the block is not the one you think it is.`,

	"HF090": `A template's placeholder, {{ NAME }} or {% CODE %}, is still in the text: the file did not go through the program that fills
it in. keepalived reads the braces as blocks and complains about what follows; here the placeholder counts as one word, or as none
where a keyword should be.`,
	"HF015": `A brace opens a block where none belongs. keepalived passes over the opening brace and not over the closing one:
that one ends the block around it, so the lines after it are read one level further out. Remove both braces.`,

	"HF016": `The keyword still works and will go one day; the message names the one to use. For some of these keepalived's
test exits with 5.`,

	"HF017": `The keyword needs a block in braces, which may begin on the next line. The statement is ignored.`,

	"HF018": `The block or keyword is there, and what it is made of is missing: a list without lines, a group without interval, a
keyword without the one that it goes with. It has no effect.`,

	"HF019": `An advert of version 2 has room for eight bytes of password (RFC 2338 §5.3.10). The rest is cut off, here and in
keepalived, so all routers must be cut alike. Anybody on the network can read it: it guards against mistakes only.`,

	"HF020": `A virtual router needs an interface to send its adverts on. keepalived does not start without one.
Perhaps the interface was named and not taken: look for an error at the keyword interface.`,

	"HF021": `A virtual router is known on its network by its number, virtual_router_id, from 1 to 255. There is no default, and
keepalived does not start without one.`,

	"HF022": `Two instances of one address family have the same virtual_router_id on the same interface. They would take each other's
adverts for their own, so keepalived does not start. Give one of them another number, the same on all of its routers.`,

	"HF023": `A name is used that nobody defined, or only further down: keepalived reads from top to bottom, and so what is
tracked must be defined above. What is not found is not tracked, so a failure of it would go unnoticed.`,

	"HF024": `A vrrp_sync_group lists instances that shall change state together. A name that is no instance, or is in another
group already, is left out; a group without members is dropped, and one with a single member does nothing.`,

	"HF025": `A virtual router without addresses. In version 2 that is unusual and works; in version 3 (so with IPv6), and with
vrrp_strict, keepalived does not start. Perhaps all addresses were refused: look for errors in virtual_ipaddress. Where no
addresses are meant, say no_virtual_ipaddress.`,

	"HF026": `A network interface is named that this machine does not have. keepalived then does not start, unless global_defs
says dynamic_interfaces: then it waits for the interface to come. Names are compared exactly, and an alias such as eth0:1 is
a label of an address and no interface.`,

	"HF027": `The program of a script is missing, is no file, cannot be executed, or could be changed by somebody other than root
although it would run as root. A vrrp_script like that is not tracked, so its instances behave as if it did not exist; other
scripts are not run when their time comes. No shell is involved: pipes, redirections and variables need a script of their own.`,

	"HF028": `A user or group does not exist on this machine. With enable_script_security every script needs an account that
somebody chose: its own, script_user in global_defs, or keepalived_script if there is such a user. Remember that the words
after an unquoted notify command are taken as user and group: quote a command that has arguments.`,

	"HF029": `Scripts run as root, and nothing checks whether others than root could change them. keepalived runs them and its
test fails. Say enable_script_security in global_defs, so that such scripts are refused, or let them run as another user with
script_user.`,

	"HF030": `holdfast reads and checks the keyword, and it does nothing yet. If you rely on it, wait with moving.`,

	"HF031": `Something is defined or given twice. The first counts, except for plain values, where the last one does.`,

	"HF032": `IPv4 and IPv6 are mixed where one family is needed: the first address of an instance (its source, a peer or a
virtual address, whichever comes first) decides for all, and a virtual server's address for its real servers unless they are
reached through tunnels. Use one vrrp_instance for each family, or virtual_ipaddress_excluded.`,

	"HF033": `Two settings do not go together; the message says which one is ignored. Without address translation (lb_kind DR
or TUN) packets reach the real server unchanged, so its port is the virtual server's.`,

	"HF034": `Something essential is missing, so the whole of it is ignored: a virtual server without real servers, a HTTP_GET
without url, a url without path, a MISC_CHECK without misc_path.`,

	"HF035": `The version and the value do not go together. Version 2 sends whole seconds, version 3 hundredths of a second up
to 40.95 (RFC 9568 §5.2.7); IPv6 is always version 3. All routers of one virtual router must use the same.`,

	"HF036": `Starting as MASTER, having priority 255 and not preempting contradict each other. nopreempt and preempt_delay need
state BACKUP, on all routers; the one with the highest priority becomes master all the same when no other is there.`,

	"HF037": `vrrp_strict holds an instance to the letter of the standard: no authentication, no preempt_delay, state MASTER with
priority 255 only, a link-local address first for IPv6, no repeated gratuitous ARP. Drop vrrp_strict, or say strict_mode off in
the instance.`,

	"HF038": `There is a keyword of unicast and no unicast_peer, so adverts go by multicast. Perhaps the peers were refused: look
for errors in unicast_peer.`,

	"HF039": `Authentication cannot be used: version 3 and IPv6 have none (RFC 5798 §9), and version 2 needs auth_pass.
Or something is wrong with auth_hmac, which any version may have: a key that is too short, too long or cannot be read is left
out; without a key to sign with, the whole block is, and adverts go out as if it were not there. Where both are
given, auth_hmac holds. A key in a file is read with the configuration, so a reload takes a new one.`,

	"HF040": `The quorum is compared with the sum of the weights of the real servers that are alive. It cannot be more than all of
them weigh, and the hysteresis must be less than it.`,

	"HF041": `A virtual server says neither or not enough; the message names what is taken instead. Mind that keepalived takes UDP
where no protocol is given. A port may be left out with persistence_timeout only, for that is how IPVS wants it.`,

	"HF042": `A route or rule that keepalived reads with a remark: without an interface a route cannot be watched, without a
preference the order of rules is left to chance, without an action a rule does nothing.`,

	"HF043": `What is tracked cannot count here. The own interface is always tracked; an address owner (priority 255) never changes
its priority, and the members of a group change state together, so weights are for neither.`,
}

// Explain says more about an ID: a paragraph.
func Explain(id string) (string, bool) {
	s, ok := explanations[strings.ToUpper(id)]
	return s, ok
}

// IDs lists what Explain knows, in order.
func IDs() []string {
	var ids []string
	for id := range explanations {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
