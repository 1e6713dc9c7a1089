//go:build unix

package store

import (
	"io/fs"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

func owner(info fs.FileInfo) (uid int, known bool) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), true
	}
	return 0, false
}

// names is how many names a file has.
func names(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink) //nolint:unconvert // its width differs between systems
	}
	return 1
}
