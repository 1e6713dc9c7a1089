//go:build !unix

package store

import "io/fs"

const noFollow = 0

func owner(fs.FileInfo) (uid int, known bool) { return 0, false }

func names(fs.FileInfo) uint64 { return 1 }
