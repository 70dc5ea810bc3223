//go:build linux

package oracle_test

import (
	"os"
	"testing"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }
