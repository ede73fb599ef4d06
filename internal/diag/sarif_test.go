package diag

import (
	"encoding/json"
	"testing"
)

func TestSARIF(t *testing.T) {
	l := append(List{{
		ID: "HF010", Severity: Error, Message: "m", Source: "äöü X",
		Span: Span{File: "/etc/a b.conf", Line: 3, Col: 8, End: 9},
	}}, sample...)
	var log sarifLog
	b := SARIF(Tool{Version: "1", Explain: func(id string) (string, bool) { return "About\n" + id + ".\nMore.", id == "HF010" }}, l)
	if err := json.Unmarshal(b, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) != len(l) {
		t.Fatalf("%s", b)
	}
	run := log.Runs[0]
	if r := run.Tool.Driver.Rules; len(r) != 3 || r[0].ID != "HF001" || r[1].Short.Text != "About HF010." || r[2].Short.Text != "HF011" {
		t.Errorf("rules: %+v", r)
	}
	for i, want := range []string{"error", "error", "warning", "error", "note"} {
		r := run.Results[i]
		if r.Level != want {
			t.Errorf("%d: %s, want %s", i, r.Level, want)
		}
		if r.RuleID != "" && run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID {
			t.Errorf("%d: rule %d is not %s", i, *r.RuleIndex, r.RuleID)
		}
	}
	first := run.Results[0].Locations[0].Physical
	if first.Artifact.URI != "file:///etc/a%20b.conf" || first.Region.StartColumn != 5 || first.Region.EndColumn != 6 {
		t.Errorf("%+v %+v", first, first.Region)
	}
	if u := run.Results[2].Related; len(u) != 1 || u[0].Physical.Artifact.URI != "b" || u[0].Physical.Region.StartLine != 9 {
		t.Errorf("used: %+v", u)
	}
	if p := run.Results[3].Locations; len(p) != 1 || p[0].Physical.Region != nil {
		t.Errorf("a file without a line: %+v", p)
	}
	if run.Results[4].Locations != nil || run.Results[4].RuleIndex != nil {
		t.Errorf("no place: %+v", run.Results[4])
	}
}

func TestSARIFOfNothing(t *testing.T) {
	var log struct {
		Runs []struct {
			Results *[]any
			Tool    struct{ Driver struct{ Rules *[]any } }
		}
	}
	if err := json.Unmarshal(SARIF(Tool{}, nil), &log); err != nil || log.Runs[0].Results == nil || log.Runs[0].Tool.Driver.Rules == nil {
		t.Errorf("%v %+v", err, log)
	}
}
