//go:build unix

package train

import (
	"path/filepath"
	"syscall"
)

// freeBytes is the space left for us where path is or will be; ok is false where it cannot be known.
func freeBytes(path string) (n int64, ok bool) {
	for {
		var s syscall.Statfs_t
		if err := syscall.Statfs(path, &s); err == nil {
			return int64(uint64(s.Bavail) * uint64(s.Bsize)), true
		}
		up := filepath.Dir(path)
		if up == path {
			return 0, false
		}
		path = up
	}
}
