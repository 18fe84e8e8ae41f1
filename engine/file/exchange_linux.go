package file

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange has two files in dir change names, as one step. It fails where one of
// them is missing, which renaming one over the other would not.
func exchange(dir *os.File, a, b string) error {
	fd := int(dir.Fd())
	err := unix.Renameat2(fd, a, fd, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) {
		return errors.ErrUnsupported // by this file system
	}
	return err
}
