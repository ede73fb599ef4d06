package cli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Every command is completed, and its options are those of its --help.
func TestEveryCommandIsCompleted(t *testing.T) {
	var want []string
	for _, c := range subcommands() {
		want = append(want, c.name)
	}
	got := names(completions())
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("completed are %q, want %q", got, want)
	}
	for _, c := range completions() {
		for _, o := range c.options {
			if !strings.HasPrefix(o, "-") || strings.ContainsAny(o, " =,") {
				t.Errorf("%s: %q is no option", c.name, o)
			}
		}
	}
}

// What bash offers for the beginnings of lines.
func TestBashCompletion(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash on this machine")
	}
	for line, want := range map[string]string{
		"holdfast con":               "config",
		"holdfast config d":          "dump diff",
		"holdfast config dump --sec": "--secrets",
		"holdfast check --sa":        "--sarif",
		"holdfast explain HF10":      "HF101",
		"holdfast -n --use":          "--use-file",
		"holdfast completion z":      "zsh",
	} {
		words := strings.Fields(line)
		script := bash(completions(), options(optionsText)) +
			"COMP_WORDS=(" + line + ")\nCOMP_CWORD=" + string(rune('0'+len(words)-1)) + "\n_holdfast\necho \"${COMPREPLY[@]}\"\n"
		cmd := exec.Command("bash", "--norc", "-c", script)
		cmd.Dir = t.TempDir() // without files
		out, err := cmd.CombinedOutput()
		got := strings.TrimSpace(string(out))
		if err != nil || got != want && (want != "HF101" || !strings.Contains(got, want)) {
			t.Errorf("%s: %q %v, want %q", line, got, err, want)
		}
	}
}
