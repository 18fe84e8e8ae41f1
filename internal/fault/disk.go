package fault

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a small disk of its own. It takes root's rights, as tests that start
// servers of other users do.
type Disk struct {
	Dir string
	t   testing.TB
}

// NewDisk returns a disk of so many kilobytes on the folder dir, which is left
// empty when the test ends.
func NewDisk(t testing.TB, dir string, kilobytes string) *Disk {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+kilobytes+"k"); err != nil {
		t.Fatalf("this test mounts a small disk, which takes root's rights: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &Disk{dir, t}
}

const ballast = "ballast"

// Fill leaves no room on the disk.
func (d *Disk) Fill() {
	d.t.Helper()
	file, err := os.Create(filepath.Join(d.Dir, ballast))
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	for {
		if _, err := file.Write(make([]byte, 4096)); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

// Empty makes room again.
func (d *Disk) Empty() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.Dir, ballast)); err != nil {
		d.t.Fatal(err)
	}
}
