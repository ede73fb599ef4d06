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
other, lines of 65536 bytes, 96 MiB of text made by definitions and sequences. Mostly a file includes itself or a definition
uses itself. Bounds that are about the whole text are fatal: half a configuration is not run.`,

	"HF006": `$NAME or ${NAME} is used and no line $NAME=VALUE stands above it. It stays as it is, as in keepalived, so the braces
of ${NAME} even open a block. Definitions count from their line on, also in files that are included later. In quotes nothing
is said, for scripts have variables of their own. A bare $NAME must be followed by space, a comma, ) or the end of the line:
elsewhere write ${NAME}.`,

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
