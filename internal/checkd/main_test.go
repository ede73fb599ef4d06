package checkd

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing goes on when the daemon has ended.
func TestMain(m *testing.M) {
	// regexp2's clock ends by itself, a second after its last use.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2.runClock"))
}
