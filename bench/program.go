package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// programRows are about the program itself: how large it is and how soon it begins.
// The peers are what somebody installs for the same work, a PowerShell or pypsrp.
func programRows(program string) []row {
	return []row{
		{what: "size on the disk", unit: mebibytes, expected: 3,
			ours: sizeOf("exgrant, as released", func(context.Context) (string, error) { return program, nil }),
			peer: sizeOf("the PowerShell engine", func(ctx context.Context) (string, error) {
				path, err := pwsh(ctx)
				return filepath.Dir(path), err
			})},
		{what: "start and end", unit: milliseconds, expected: 10,
			ours: process("exgrant version", program, "version"),
			peer: side{"import pypsrp", func(ctx context.Context) (func(context.Context) (float64, error), error) {
				path, err := python(ctx)
				if err != nil {
					return nil, err
				}
				return process("", path, "-c", "import pypsrp.client; print('hi')").prepare(ctx)
			}}},
	}
}

func mebibytes(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

// sizeOf is a side that counts the bytes of a file, or of all in a folder.
func sizeOf(name string, where func(context.Context) (string, error)) side {
	return side{name, func(ctx context.Context) (func(context.Context) (float64, error), error) {
		path, err := where(ctx)
		if err != nil {
			return nil, err
		}
		return func(context.Context) (float64, error) { return treeSize(path) }, nil
	}}
}

func treeSize(path string) (bytes float64, err error) {
	err = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		var info os.FileInfo
		if info, err = entry.Info(); err == nil {
			bytes += float64(info.Size())
		}
		return err
	})
	return bytes, err
}
