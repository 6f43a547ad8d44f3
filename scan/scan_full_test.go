//go:build unix

package scan_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// smallFiles tells the test binary, run again as a child, where the incident is.
const smallFiles = "SPILLSCOPE_TEST_SMALL_FILES"

// TestDiskFull lets writes to temporary files fail half way, as on a full
// disk. A limit on the size of files does that without one; it binds the whole
// process, so the scan runs in a child.
func TestDiskFull(t *testing.T) {
	if dir := os.Getenv(smallFiles); dir != "" {
		limited(t, dir)
		return
	}
	dir, _ := simulate(t, sim.Bench(8000, 5))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestDiskFull$", "-test.v")
	child.Env = append(os.Environ(), smallFiles+"="+dir)
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "scan stopped") {
		t.Errorf("%v\n%s", err, out)
	}
}

func limited(t *testing.T, dir string) {
	in := inputOf(t, dir)
	in.TempDir, in.Memory = t.TempDir(), 1
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 50_000, Max: 50_000}); err != nil {
		t.Fatal(err)
	}
	f, err := try(in)
	if err == nil || !strings.Contains(err.Error(), "temporary files") {
		t.Errorf("error %v after %d findings", err, len(f.all))
	}
	if f.manifest.Schema != 0 {
		t.Error("a manifest beside an error")
	}
	if left, err := os.ReadDir(in.TempDir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	fmt.Println("scan stopped:", err)
}
