//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"assay/internal/assess/evidence"
	"assay/internal/gateway/capture"
	"assay/internal/run/journal"
	"assay/testbench/lab"
)

// settle is how long is waited for frames after the last one was sent: several
// times what the ring holds one back.
const settle = 300 * time.Millisecond

// measure runs one step.
func measure(l *lab.Lab, s settings, st step) (r result, err error) {
	r.step = st
	var c *capture.Capture
	if err := l.Gateway.Do(func() (err error) {
		c, err = capture.Open(capture.Config{Interface: lab.LANLink, Blocks: s.ring << 20 / capture.DefaultBlockSize})
		return err
	}); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	to, err := openSink(st.mode, s.folder)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	ctx, cancel := context.WithCancel(context.Background())
	var sent error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.sent, r.took, sent = offer(l, st)
		time.Sleep(settle)
		cancel()
	}()
	before := used()
	r.received, err = read(ctx, c, to)
	r.cpu = used() - before
	cancel()
	<-ended
	return r, errors.Join(err, sent)
}

// offer runs the sender as a program of its own, so that what it uses is not
// counted.
func offer(l *lab.Lab, st step) (frames int, took time.Duration, err error) {
	cmd := exec.Command("/proc/self/exe", "-send", "-frames", strconv.Itoa(st.frames), "-size", strconv.Itoa(st.size), "-rate", strconv.Itoa(st.rate))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := l.Device(0).Do(cmd.Start); err != nil {
		return 0, 0, fmt.Errorf("cannot start the sender: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return 0, 0, fmt.Errorf("the sender failed: %w", err)
	}
	_, err = fmt.Sscan(out.String(), &frames, &took)
	return frames, took, err
}

// read takes frames until ctx is done and counts those of the test.
func read(ctx context.Context, c *capture.Capture, to sink) (uint64, error) {
	var frames uint64
	for {
		b, err := c.Next(ctx)
		switch {
		case errors.Is(err, context.Canceled):
			return frames, nil
		case err != nil:
			return frames, err
		}
		for _, f := range b.Frames {
			if f.Data[12] == frameType>>8 && f.Data[13] == frameType&0xff {
				frames++
			}
			if err := to.frame(f); err != nil {
				return frames, err
			}
		}
	}
}

// used is the CPU time that this process has used.
func used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sink takes the frames of one step.
type sink struct {
	frame func(capture.Frame) error
	close func() error
}

func openSink(mode, folder string) (sink, error) {
	if mode == "capture" {
		return sink{func(capture.Frame) error { return nil }, func() error { return nil }}, nil
	}
	f, err := os.CreateTemp(folder, "ladder-*.pcapng")
	if err != nil {
		return sink{}, err
	}
	_ = os.Remove(f.Name()) // it goes with its last user
	file := &bounded{File: f}
	switch mode {
	case "evidence":
		return evidenceSink(file)
	case "journal":
		log, err := journal.New(file, "ladder", lab.LANLink, func(evidence.Entry) {})
		if err != nil {
			return sink{}, err
		}
		return sink{func(f capture.Frame) error { log.Packet(f.At, f.Length, f.Data); return log.Err() }, log.Close}, nil
	default:
		return sink{}, fmt.Errorf("there is no mode %q: give capture, evidence or journal", mode)
	}
}

func evidenceSink(file *bounded) (sink, error) {
	out := bufio.NewWriterSize(file, 256<<10)
	w, err := evidence.NewWriter(out, "ladder")
	if err != nil {
		return sink{}, err
	}
	iface, err := w.AddInterface(evidence.Interface{Name: lab.LANLink, Link: evidence.LinkEthernet})
	return sink{
		func(f capture.Frame) error { _, err := w.Packet(iface, f.At, f.Length, f.Data); return err },
		func() error { return errors.Join(out.Flush(), file.Close()) },
	}, err
}

// bounded is a file that begins again when it is full: as much is written as in a
// real run, and the disk is not filled.
type bounded struct {
	*os.File
	size int64
}

const fileLimit = 512 << 20

func (b *bounded) Write(p []byte) (int, error) {
	if b.size += int64(len(p)); b.size > fileLimit {
		b.size = int64(len(p))
		if _, err := b.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
	}
	return b.File.Write(p)
}

// Sync does nothing: when the disk is asked is not what is measured.
func (b *bounded) Sync() error { return nil }
