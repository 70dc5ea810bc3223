// Command sample writes the captures of two virtual devices, one careful and one
// careless, for a first look at what the program does. It owns no traffic of its
// own (package traffic does) and must not know how the captures are graded.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"assay/testbench/traffic"
)

func main() {
	if len(os.Args) != 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "usage: sample FOLDER")
		os.Exit(64)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(70)
	}
}

func run(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder for samples: %w", err)
	}
	for _, d := range traffic.Devices() {
		if err := write(filepath.Join(folder, d.Name+".pcapng"), d); err != nil {
			return err
		}
	}
	return nil
}

func write(name string, d traffic.Device) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("cannot write a sample: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	if err := d.Write(w); err != nil {
		return err
	}
	return w.Flush()
}
