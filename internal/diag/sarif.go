package diag

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tool is what SARIF tells of the program.
type Tool struct {
	Version string
	// Explain says more about an id, in sentences, the first one for itself.
	// nil: Explain of this package, which knows only its own ids.
	Explain func(id string) (string, bool)
}

// The parts of SARIF 2.1.0 that are used (docs.oasis-open.org/sarif/sarif/v2.1.0),
// named as there.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
		Full  sarifText `json:"fullDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string       `json:"ruleId,omitempty"`
		RuleIndex *int         `json:"ruleIndex,omitempty"`
		Level     string       `json:"level"`
		Message   sarifText    `json:"message"`
		Locations []sarifPlace `json:"locations,omitempty"`
		Related   []sarifPlace `json:"relatedLocations,omitempty"`
	}
	sarifPlace struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int        `json:"startLine"`
		StartColumn int        `json:"startColumn,omitempty"`
		EndColumn   int        `json:"endColumn,omitempty"`
		Snippet     *sarifText `json:"snippet,omitempty"`
	}
)

// SARIF is the list as a log of one run, for code scanning and editors.
func SARIF(tool Tool, l List) []byte {
	run := sarifRun{
		ColumnKind: "unicodeCodePoints", Results: make([]sarifResult, 0, len(l)),
		Tool: sarifTool{sarifDriver{
			Name: "holdfast", Version: tool.Version, InformationURI: "https://github.com/holdfast-ha/holdfast",
			Rules: sarifRules(tool, l),
		}},
	}
	for i := range l {
		run.Results = append(run.Results, l[i].sarif(run.Tool.Driver.Rules))
	}
	b, err := json.MarshalIndent(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}, "", "  ")
	if err != nil {
		return []byte("{}") // strings and numbers always marshal
	}
	return append(b, '\n')
}

// sarifRules are the rules that a list has findings of, in order.
func sarifRules(tool Tool, l List) []sarifRule {
	rules := []sarifRule{}
	for i := range l {
		id := l[i].ID
		if id == "" || slices.ContainsFunc(rules, func(r sarifRule) bool { return r.ID == id }) {
			continue
		}
		r := sarifRule{ID: id, Short: sarifText{id}, Full: sarifText{id}}
		if text, ok := tool.explain(id); ok {
			r.Short.Text, r.Full.Text = sentence(text), text
		}
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(a, b sarifRule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

// sentence is the first one of a text, on one line.
func sentence(text string) string {
	first, _, more := strings.Cut(strings.ReplaceAll(text, "\n", " "), ". ")
	if more {
		first += "."
	}
	return first
}

func (t Tool) explain(id string) (string, bool) {
	if t.Explain == nil {
		return Explain(id)
	}
	return t.Explain(id)
}

func (d *Diagnostic) sarif(rules []sarifRule) sarifResult {
	r := sarifResult{RuleID: d.ID, Level: map[Severity]string{Notice: "note", Warning: "warning"}[d.Severity], Message: sarifText{d.Message}}
	if r.Level == "" {
		r.Level = "error"
	}
	if i := slices.IndexFunc(rules, func(r sarifRule) bool { return r.ID == d.ID }); i >= 0 {
		r.RuleIndex = &i
	}
	if d.Expected != "" {
		r.Message.Text += "; expected " + d.Expected
	}
	if d.Suggestion != "" {
		r.Message.Text += "; " + d.question()
	}
	if d.Span.File != "" {
		r.Locations = []sarifPlace{d.Span.sarif(d.Source)}
	}
	for u := d.Span.Used; u != nil; u = u.Used {
		p := u.sarif("")
		p.Message = &sarifText{"used here"}
		r.Related = append(r.Related, p)
	}
	return r
}

// sarif counts columns in characters, if it has the line.
func (s Span) sarif(line string) sarifPlace {
	p := sarifPlace{Physical: sarifPhysical{Artifact: sarifArtifact{(&url.URL{Path: s.File}).String()}}}
	if strings.HasPrefix(s.File, "/") {
		p.Physical.Artifact.URI = (&url.URL{Scheme: "file", Path: s.File}).String()
	}
	if s.Line < 1 {
		return p
	}
	r := &sarifRegion{StartLine: s.Line, StartColumn: max(s.Col, 0), EndColumn: max(s.End, 0)}
	if line != "" {
		r.StartColumn, r.EndColumn = characters(line, r.StartColumn), characters(line, r.EndColumn)
		r.Snippet = &sarifText{strings.ToValidUTF8(line, "\uFFFD")}
	}
	p.Physical.Region = r
	return p
}

// characters turns a column in bytes into one in characters; 0 stays.
func characters(line string, col int) int {
	if col < 1 || col-1 > len(line) {
		return max(col, 0)
	}
	return utf8.RuneCountInString(line[:col-1]) + 1
}
