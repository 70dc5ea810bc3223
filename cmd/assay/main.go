// Command assay grades IoT devices on internet standards. Each subcommand is one
// small file that wires the packages of internal together; this one owns how the
// program is called, how it speaks of errors and how it exits. It must hold no
// judgement and no packet format.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// version is what the program calls itself; the build sets it with
// -ldflags "-X main.version=...".
var version = ""

// What the program exits with. Grading exits with the overall verdict, everything
// else follows sysexits(3).
const (
	exitMeets    = 0  // MEETS THE DEMAND or MEETS WITH REMARKS, or nothing to judge
	exitFails    = 1  // DOES NOT MEET
	exitUnproven = 2  // NOT PROVEN
	exitUsage    = 64 // the command line is wrong
	exitData     = 65 // the input is no usable evidence
	exitMissing  = 69 // something needed is not there
	exitBug      = 70 // a fault of assay itself
)

const description = `Grade IoT devices on internet standards, from evidence.

A grade is a pure function of a capture file and of the rules: the same file gives the same report.

Exit codes: 0 meets the demand (also with remarks), 1 does not meet, 2 not proven, 64 usage, 65 bad input data, 69 something needed is missing, 70 a bug in assay.`

// commands is the command line.
type commands struct {
	Demo    demoCmd    `cmd:"" help:"See it work: four virtual devices, the real gateway, the page. No root, no hardware."`
	Grade   gradeCmd   `cmd:"" help:"Grade the device in a capture file."`
	Lab     labCmd     `cmd:"" help:"Run a program as the device, in a virtual internet, and grade it."`
	Gateway gatewayCmd `cmd:"" help:"Be the box: give the device at the LAN port a network, and grade it."`
	Doctor  doctorCmd  `cmd:"" help:"Say whether this machine is fit to be a box, and what to do."`
	Rules   rulesCmd   `cmd:"" help:"List, check or test the rules."`
	Version versionCmd `cmd:"" help:"Print the version of the program and of its rules."`
	Device  deviceCmd  `cmd:"" hidden:"" help:"Be a virtual device, inside the lab."`
}

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	// colour and progress say whether out and err are terminals that want them.
	colour, progress bool
}

// tell writes to the user beside the result; where that fails there is nobody
// left to tell.
func (c console) tell(format string, args ...any) { _, _ = fmt.Fprintf(c.err, format, args...) }

// failure is an error with the code to exit with.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

func fail(code int, format string, args ...any) error {
	return failure{code, fmt.Errorf(format, args...)}
}

// silent exits with a code without a word: the verdict was printed.
type silent int

func (s silent) Error() string { return fmt.Sprintf("exit code %d", int(s)) }

func main() {
	reentry()
	os.Exit(run(os.Args[1:], console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		colour: wantsColour(os.Stdout), progress: isTerminal(os.Stderr),
	}))
}

// run does what the command line says and returns the exit code.
func run(args []string, c console) (code int) {
	defer func() {
		if r := recover(); r != nil {
			c.tell("assay: this is a fault of assay itself, please report it with the file that caused it: %v\n%s", r, debug.Stack())
			code = exitBug
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, done, err := parse(args, c)
	switch {
	case err != nil:
		c.tell("assay: %s; 'assay --help' shows what there is\n", plainly(err))
		return exitUsage
	case done:
		return exitMeets
	}
	return exitCode(parsed.Run(&c), c)
}

// helped ends the parsing after the help was printed.
type helped struct{ code int }

// parse reads the command line; done says that help was asked for and given.
func parse(args []string, c console) (parsed *kong.Context, done bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(helped); !ok {
				panic(r)
			}
			done = true
		}
	}()
	parser, err := kong.New(&commands{}, kong.Name("assay"), kong.Description(description),
		kong.Writers(c.out, c.err), kong.Exit(func(code int) { panic(helped{code}) }),
		kong.Vars{"stay": strconv.FormatBool(c.colour || c.progress)},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))
	if err != nil {
		return nil, false, err
	}
	parsed, err = parser.Parse(args)
	return parsed, false, err
}

// plainly puts the parser's own words into a reader's.
func plainly(err error) string {
	said := err.Error()
	if said == `expected "<file> ..."` {
		return "name a capture file to grade, as in 'assay grade capture.pcap'"
	}
	if flag, _, ok := strings.Cut(said, ": expected string value but got"); ok {
		return flag + " needs a value"
	}
	return strings.TrimPrefix(said, "grade: ")
}

// exitCode says what went wrong, in one line, and with which code to exit.
func exitCode(err error, c console) int {
	var f failure
	var s silent
	switch {
	case err == nil:
		return exitMeets
	case errors.As(err, &s):
		return int(s)
	case errors.As(err, &f):
		c.tell("assay: %v\n", err)
		return f.code
	default:
		c.tell("assay: %v\n", err)
		return exitBug
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device, too, and nobody reads there
	return err != nil || !os.SameFile(info, null)
}

// noColour is the environment variable that switches colours off by any value.
const noColour = "NO_COLOR" //nolint:misspell // its name is fixed elsewhere

func wantsColour(f *os.File) bool { return isTerminal(f) && os.Getenv(noColour) == "" }
