//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const (
	// stateVar tells a process what is known of its namespaces.
	stateVar = "ASSAY_LAB"
	// inside is its value within them; any other value is the reason why there
	// are none.
	inside = "inside"
	// requireVar makes a missing lab a failure of the tests that need it.
	requireVar = "REQUIRE_LAB"
	// filesVar tells how many files were handed on.
	filesVar = "ASSAY_LAB_FILES"

	// bySignal is added to the number of the signal that ended a process, as shells do.
	bySignal = 128

	// initName and enterName are the names (argv[0]) under which the program
	// starts itself.
	initName  = "assay-lab-init"
	enterName = "assay-lab-enter"
)

// ErrUnavailable is wrapped by errors that say why this system gives no
// namespaces, and what to do about it.
var ErrUnavailable = errors.New("no namespaces for the lab")

// Main runs the tests of m inside namespaces and returns the code to exit with.
// Where namespaces are not to be had it runs them outside; Unavailable then tells
// why and Need skips. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }
func Main(m interface{ Run() int }) int {
	Reentry()
	if Inside() {
		return m.Run()
	}
	code, err := Reexec()
	if err != nil {
		if err := os.Setenv(stateVar, err.Error()); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "lab:", err)
			return 1
		}
		return m.Run()
	}
	return code
}

// Need skips the test where there is no lab, with the reason; with REQUIRE_LAB=1 in
// the environment it fails instead.
func Need(t testing.TB) {
	t.Helper()
	err := Unavailable()
	switch {
	case err == nil:
	case os.Getenv(requireVar) == "1":
		t.Fatalf("this test needs the lab: %v", err)
	default:
		t.Skipf("this test needs the lab: %v", err)
	}
}

// Inside says whether this process runs inside the lab's namespaces: the
// environment says so and the first process is the lab's.
func Inside() bool {
	if os.Getenv(stateVar) != inside {
		return false
	}
	name, err := os.ReadFile("/proc/1/cmdline")
	return err == nil && strings.HasPrefix(string(name), initName+"\x00")
}

// Unavailable says why there is no lab here; nil inside of one.
func Unavailable() error {
	state := os.Getenv(stateVar)
	switch {
	case Inside():
		return nil
	case state == "" || state == inside:
		return fmt.Errorf("%w: the process was not started by lab.Main or lab.Reexec", ErrUnavailable)
	}
	return fmt.Errorf("%w%s", ErrUnavailable, strings.TrimPrefix(state, ErrUnavailable.Error()))
}

// Reentry does what this process was started for where the lab started it, and
// does not return then. Main calls it; a program that uses Reexec or Command calls
// it before anything else.
func Reentry() {
	if len(os.Args) == 0 {
		return
	}
	switch os.Args[0] {
	case initName:
		os.Exit(runInit(os.Args[1:]))
	case enterName:
		os.Exit(runEnter(os.Args[1:]))
	}
}

// Reexec starts this program again, with the same arguments and streams, inside new
// namespaces and waits for its end. It returns the exit code (128 + signal where a
// signal ended it), or an error wrapping ErrUnavailable where there are no
// namespaces. Signals are passed on. The program and all it started ends when this
// process ends, even by SIGKILL. Files are handed on: Inherited finds them, the
// first one as 0. A socket among them stays in the network it was opened in.
func Reexec(files ...*os.File) (int, error) {
	// The kernel ties the parent-death signal to the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	said, say, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("cannot start the lab: %w", err)
	}
	defer func() { _ = said.Close() }() // it was only read
	cmd := initCommand(append([]*os.File{say}, files...))
	caught := make(chan os.Signal, 8)
	signal.Notify(caught, passedOn()...)
	defer signal.Stop(caught)
	err = cmd.Start()
	_ = say.Close() // the child has its own
	if err != nil {
		return 0, unavailable("cannot make namespaces", err)
	}
	stop := passOn(caught, cmd.Process.Pid)
	defer stop()
	reason, readErr := io.ReadAll(io.LimitReader(said, 4096))
	err = cmd.Wait()
	if len(reason) > 0 {
		return 0, unavailable(string(reason), nil)
	}
	return exitCode(err, readErr)
}

// initCommand is this program as the first process of new namespaces.
func initCommand(files []*os.File) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{initName}, os.Args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = files
	cmd.Env = append(without(os.Environ(), stateVar, filesVar), stateVar+"="+inside, filesVar+"="+strconv.Itoa(len(files)-1))
	users, groups := idMaps()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		UidMappings: users, GidMappings: groups,
		GidMappingsEnableSetgroups: mayAllowSetgroups(),
		Pdeathsig:                  syscall.SIGKILL,
	}
	return cmd
}

// exitCode reads how a child ended.
func exitCode(err, readErr error) (int, error) {
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		if s, ok := ended.Sys().(syscall.WaitStatus); ok && s.Signaled() { //nolint:misspell // the name of a method
			return bySignal + int(s.Signal()), nil
		}
		return ended.ExitCode(), nil
	case err != nil:
		return 0, fmt.Errorf("cannot wait for the lab: %w", err)
	}
	return 0, readErr
}

// without drops the variables with these names from an environment.
func without(env []string, names ...string) []string {
	var out []string
	for _, e := range env {
		keep := true
		for _, n := range names {
			keep = keep && !strings.HasPrefix(e, n+"=")
		}
		if keep {
			out = append(out, e)
		}
	}
	return out
}
