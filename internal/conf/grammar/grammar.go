// Package grammar makes editors know keepalived.conf: a syntax file for Vim
// and a TextMate grammar, which most other editors read. Both are made of the
// keyword table and of the few forms of the language itself.
package grammar

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

// words are what editors tell apart: keywords that open a block, the others,
// and fixed values.
type words struct{ blocks, keywords, values []string }

// include is read before keywords are, so it is in no table.
var includes = []string{"include", "includea", "includeb", "includem", "includer", "includew"}

func collect() words {
	opens, others, values := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, k := range conf.Keywords() {
		if k.Opens {
			opens[k.Name] = true
		} else {
			others[k.Name] = true
		}
		for i := range k.Args {
			if k.Args[i].Kind == schema.Enum {
				for _, v := range k.Args[i].Words {
					values[v] = true
				}
			}
		}
	}
	for _, v := range []string{"on", "off", "yes", "no", "true", "false"} {
		values[v] = true
	}
	for w := range opens {
		delete(others, w)
		delete(values, w)
	}
	for w := range others {
		delete(values, w)
	}
	return words{sorted(opens), sorted(others), sorted(values)}
}

func sorted(set map[string]bool) []string {
	var out []string
	for w := range set {
		out = append(out, w)
	}
	slices.Sort(out)
	return out
}

const vimHead = `" Vim syntax file
" Language: keepalived.conf, as keepalived and holdfast read it
" Made by: holdfast config grammar vim

if exists("b:current_syntax")
  finish
endif

syn case match
syn iskeyword @,48-57,_,-,.
`

const vimTail = `
syn match   keepalivedNumber    "\<-\?\d\+\%(\.\d\+\)\?\>"
syn match   keepalivedAddress   "\<\d\{1,3}\%(\.\d\{1,3}\)\{3}\%(/\d\+\)\?\>"
syn match   keepalivedAddress   "\<\x*:\x*:[0-9A-Fa-f:.]*\%(/\d\+\)\?"
syn match   keepalivedDefine    "^\s*\$\w\+\ze="
syn match   keepalivedUse       "\${[^}]*}\|\$\w\+"
syn match   keepalivedCondition "^\s*@\S\+"
syn match   keepalivedSequence  "^\s*\~\(SEQ\|LST\)[^)]*)"
syn region  keepalivedString    start=+"+ skip=+\\"+ end=+"+ oneline contains=keepalivedUse
syn match   keepalivedComment   "[#!].*$" contains=keepalivedTodo
syn keyword keepalivedTodo      TODO FIXME XXX contained

hi def link keepalivedBlock     Structure
hi def link keepalivedKeyword   Keyword
hi def link keepalivedValue     Constant
hi def link keepalivedInclude   Include
hi def link keepalivedNumber    Number
hi def link keepalivedAddress   Number
hi def link keepalivedDefine    Macro
hi def link keepalivedUse       Identifier
hi def link keepalivedCondition PreCondit
hi def link keepalivedSequence  Repeat
hi def link keepalivedString    String
hi def link keepalivedComment   Comment
hi def link keepalivedTodo      Todo

setlocal comments=:#,:! commentstring=#\ %s shiftwidth=4 expandtab

let b:current_syntax = "keepalived"
`

// vimLine is how many words of a group stand on a line.
const vimLine = 6

// Vim is a syntax file, for ~/.vim/syntax/keepalived.vim.
func Vim() string {
	w := collect()
	var b strings.Builder
	b.WriteString(vimHead)
	for _, g := range []struct {
		name string
		list []string
	}{{"Block", w.blocks}, {"Keyword", w.keywords}, {"Value", w.values}, {"Include", includes}} {
		b.WriteByte('\n')
		for chunk := range slices.Chunk(g.list, vimLine) {
			b.WriteString("syn keyword keepalived" + g.name + " " + strings.Join(chunk, " ") + "\n")
		}
	}
	b.WriteString(vimTail)
	return b.String()
}

// pattern is a rule of a TextMate grammar.
type pattern struct {
	Name     string    `json:"name,omitempty"`
	Match    string    `json:"match,omitempty"`
	Begin    string    `json:"begin,omitempty"`
	End      string    `json:"end,omitempty"`
	Patterns []pattern `json:"patterns,omitempty"`
}

// TextMate is a grammar in JSON, as Visual Studio Code, Sublime Text, JetBrains
// and GitHub take it.
func TextMate() []byte {
	w := collect()
	use := pattern{Name: "variable.other.keepalived", Match: `\$\{[^}]*\}|\$\w+`}
	g := struct {
		Name      string    `json:"name"`
		Scope     string    `json:"scopeName"`
		FileTypes []string  `json:"fileTypes"`
		Patterns  []pattern `json:"patterns"`
	}{"keepalived.conf", "source.keepalived", []string{"keepalived.conf"}, []pattern{
		{Name: "comment.line.keepalived", Match: `(?<!\\)[#!].*$`},
		{Name: "string.quoted.double.keepalived", Begin: `"`, End: `"|$`, Patterns: []pattern{{Name: "constant.character.escape.keepalived", Match: `\\.`}, use}},
		{Name: "keyword.control.conditional.keepalived", Match: `^\s*@\S+`},
		{Name: "keyword.control.repeat.keepalived", Match: `^\s*~(SEQ|LST)[^)]*\)`},
		{Name: "entity.name.constant.keepalived", Match: `^\s*\$\w+(?==)`},
		use,
		{Name: "keyword.control.import.keepalived", Match: `^\s*` + alternatives(includes)},
		{Name: "entity.name.type.keepalived", Match: alternatives(w.blocks)},
		{Name: "keyword.other.keepalived", Match: alternatives(w.keywords)},
		{Name: "constant.language.keepalived", Match: alternatives(w.values)},
		{Name: "constant.numeric.address.keepalived", Match: `(?<![\w.])\d{1,3}(\.\d{1,3}){3}(/\d+)?|(?<![\w:])[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(/\d+)?`},
		{Name: "constant.numeric.keepalived", Match: `(?<![\w.-])-?\d+(\.\d+)?(?![\w.-])`},
	}}
	out, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		panic("grammar: " + err.Error()) // it is made of strings
	}
	return append(out, '\n')
}

// alternatives matches one of some words, and no part of a longer one.
func alternatives(list []string) string {
	q := make([]string, len(list))
	for i, w := range list {
		q[i] = strings.ReplaceAll(w, ".", `\.`)
	}
	return `(?<![\w.-])(` + strings.Join(q, "|") + `)(?![\w.-])`
}
