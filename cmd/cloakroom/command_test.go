package main

import (
	"context"
	"os"
	"testing"
	"time"
)

// command runs the command line until it ends or, if it serves, until it says so.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return commandWith(t, "", args...)
}

// commandWith gives it something on standard input.
func commandWith(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	files := make([]*os.File, 3)
	for i := range files {
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files[i] = file
	}
	if _, err := files[0].WriteString(stdin); err != nil {
		t.Fatal(err)
	}
	if _, err := files[0].Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	if len(args) > 0 && args[0] == "serve" {
		go stopWhenServing(ctx, stop, files[1].Name())
	}
	code = run(ctx, args, files[0], files[1], files[2])
	texts := make([]string, 2)
	for i, file := range files[1:] {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	return code, texts[0], texts[1]
}

func stopWhenServing(ctx context.Context, stop func(), stdout string) {
	for ctx.Err() == nil {
		if info, err := os.Stat(stdout); err == nil && info.Size() > 0 {
			stop()
		}
		time.Sleep(20 * time.Millisecond)
	}
}
