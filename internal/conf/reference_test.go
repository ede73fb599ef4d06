package conf

import (
	goflag "flag"
	"os"
	"testing"
)

var update = goflag.Bool("update", false, "write docs/configuration.md and the golden files again")

func TestReferenceIsCurrent(t *testing.T) {
	const name = "../../docs/configuration.md"
	want := Reference()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table says: go test ./internal/conf -run Reference -update", name)
	}
}
