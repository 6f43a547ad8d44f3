package store_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

// TestDiskFull writes to a file system of 256 KiB. Mounting it takes rights
// that a developer's machine may not give; TestFailureLeavesNothing covers the
// same promise without.
func TestDiskFull(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(mount, 0); err != nil {
			t.Error(err)
		}
	}()
	if _, err := store.Create(mount, store.Options{}); err == nil || !strings.Contains(err.Error(), "name a folder inside it") {
		t.Errorf("Create at a mount point = %v", err)
	}
	w, err := store.Create(filepath.Join(mount, "case"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put(smallcase.Inputs()[0]); err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		if err = w.Put(model.Unattributed{Reason: strings.Repeat("x", 100)}); err != nil {
			break
		}
	}
	const want = "privileged/unattributed.csv: write: no space left on device"
	if err == nil || err.Error() != want {
		t.Errorf("Put = %v, want %q", err, want)
	}
	if err := w.Finish(model.Manifest{}, smallcase.Run()); err == nil || err.Error() != want {
		t.Errorf("Finish = %v, want %q", err, want)
	}
	if got := leftovers(t, mount); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}
