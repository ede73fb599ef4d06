package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/grammar"
)

const completionUsage = `Usage: holdfast completion bash|zsh|fish

Prints what makes a shell complete holdfast's commands and options:

  bash   source <(holdfast completion bash)
  zsh    holdfast completion zsh > "${fpath[1]}/_holdfast"
  fish   holdfast completion fish > ~/.config/fish/completions/holdfast.fish
`

// completed is a command with what can follow it.
type completed struct {
	name    string
	options []string
	words   []string // besides files
	files   bool
}

// completions are made of the same texts that --help prints.
func completions() []completed {
	return []completed{
		{"check", options(checkUsage), nil, true},
		{"config", options(configUsage), []string{"dump", "diff", "fmt", "grammar"}, true},
		{"explain", nil, ids(), false},
		{"status", options(statusUsage), nil, false},
		{"server", options(serverUsage), []string{"drain", "disable", "enable", "weight", "list", "clear"}, false},
		{"hash", options(hashUsage), nil, false},
		{"simulate", options(simulateUsage), nil, true},
		{"lab", nil, nil, true},
		{"completion", nil, []string{"bash", "zsh", "fish"}, false},
		{"version", nil, nil, false},
		{"help", nil, nil, false},
	}
}

// options are those that a usage text has at the beginning of its lines.
func options(usage string) (out []string) {
	optionForm := regexp.MustCompile(`(?m)^ +(-\w)?(?:, )?(--[\w-]+)?`)
	for _, m := range optionForm.FindAllStringSubmatch(usage, -1) {
		for _, o := range m[1:] {
			if o != "" && !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	return append(out, "--help")
}

// completion is `holdfast completion SHELL`.
func completion(t terminal, args []string) int {
	shells := map[string]func([]completed, []string) string{"bash": bash, "zsh": zsh, "fish": fish}
	if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
		fmt.Fprint(t.out, completionUsage)
		return exitFine
	}
	if len(args) != 1 || shells[args[0]] == nil {
		fmt.Fprint(t.err, completionUsage)
		return exitUnread
	}
	fmt.Fprint(t.out, shells[args[0]](completions(), slices.Compact(options(optionsText))))
	return exitFine
}

func names(list []completed) (out []string) {
	for _, c := range list {
		out = append(out, c.name)
	}
	return out
}

func bash(list []completed, daemon []string) string {
	var b strings.Builder
	b.WriteString("# bash completion of holdfast\n_holdfast() {\n" +
		"    local cur=${COMP_WORDS[COMP_CWORD]} options= words= files=\n" +
		"    case ${COMP_CWORD}:${COMP_WORDS[1]} in\n")
	fmt.Fprintf(&b, "    1:*) words=%q options=%q ;;\n", strings.Join(names(list), " "), strings.Join(daemon, " "))
	for _, c := range list {
		fmt.Fprintf(&b, "    *:%s) options=%q words=%q files=%q ;;\n", c.name, strings.Join(c.options, " "), strings.Join(c.words, " "), yes(c.files))
	}
	fmt.Fprintf(&b, "    *:-*) options=%q files=yes ;;\n", strings.Join(daemon, " "))
	b.WriteString("    esac\n" +
		"    case $cur in\n" +
		"    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n" +
		"    *) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n" +
		"        [[ $files ]] && COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n" +
		"    esac\n}\ncomplete -o filenames -F _holdfast holdfast\n")
	return b.String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func zsh(list []completed, daemon []string) string {
	var b strings.Builder
	b.WriteString("#compdef holdfast\n" +
		"local -a options offered\nlocal files=\n" +
		"case $CURRENT:$words[2] in\n")
	fmt.Fprintf(&b, "2:*) offered=(%s) options=(%s) ;;\n", strings.Join(names(list), " "), strings.Join(daemon, " "))
	for _, c := range list {
		fmt.Fprintf(&b, "*:%s) options=(%s) offered=(%s) files=%s ;;\n", c.name, strings.Join(c.options, " "), strings.Join(c.words, " "), yes(c.files))
	}
	fmt.Fprintf(&b, "*:-*) options=(%s) files=yes ;;\n", strings.Join(daemon, " "))
	b.WriteString("esac\n" +
		"if [[ $PREFIX == -* ]]; then\n    compadd -- $options\n    return\nfi\n" +
		"(( $#offered )) && compadd -- $offered\n" +
		"[[ -n $files ]] && _files\n")
	return b.String()
}

func fish(list []completed, daemon []string) string {
	var b strings.Builder
	b.WriteString("# fish completion of holdfast\ncomplete -c holdfast -f\n")
	add := func(when string, options, words []string, files bool) {
		for _, o := range options {
			form := "-l " + strings.TrimPrefix(o, "--")
			if !strings.HasPrefix(o, "--") {
				form = "-s " + o[1:]
			}
			fmt.Fprintf(&b, "complete -c holdfast -n '%s' %s\n", when, form)
		}
		if len(words) > 0 {
			fmt.Fprintf(&b, "complete -c holdfast -n '%s' -a '%s'\n", when, strings.Join(words, " "))
		}
		if files {
			fmt.Fprintf(&b, "complete -c holdfast -n '%s' -F\n", when)
		}
	}
	add("__fish_use_subcommand", daemon, names(list), false)
	for _, c := range list {
		add("__fish_seen_subcommand_from "+c.name, c.options, c.words, c.files)
	}
	return b.String()
}

// configGrammar is `holdfast config grammar`.
func configGrammar(t terminal, _ *configFlags, args []string) int {
	if len(args) == 1 {
		switch args[0] {
		case "vim":
			fmt.Fprint(t.out, grammar.Vim())
			return exitFine
		case "textmate":
			_, _ = t.out.Write(grammar.TextMate()) // stdout is gone: nobody to tell
			return exitFine
		}
	}
	fmt.Fprintln(t.err, "holdfast config grammar: one of vim, textmate is needed")
	return exitUnread
}
