package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom/internal/browser"
)

// The user agent of a second device, so that it can be told from the first.
const firefoxOnWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"

// asProgram has the test's own binary be the program.
const asProgram = "CLOAKROOM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestServe uses the program as its first visitors do, from the one-time
// password to signing out.
func TestServe(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := startServe(t, data, "127.0.0.1:0")
	credentials := server.says(t, regexp.MustCompile(`as (\S+) with the one-time password (\S+)`))
	name, oneTime := credentials[1], credentials[2]
	const password = "two coats and an umbrella"

	t.Log("The one-time password opens nothing but the choice of another.")
	first := browser.New(t)
	signIn(first, server.url, name, oneTime)
	first.See("You signed in with a one-time password.")
	first.Visit(server.url + "/storage")
	first.See("You signed in with a one-time password.")
	first.Type("New password", password)
	first.Type("New password again", password)
	first.Follow("Choose a password")
	first.See("Your password is changed.")

	t.Log("A restart signs nobody out.")
	server.stop(t)
	server = startServe(t, data, strings.TrimPrefix(server.url, "http://"))
	first.Follow("Your sessions")
	first.See("Nowhere else")

	t.Log("One device sees the other, and signs it out.")
	second := browser.New(t)
	second.SetUserAgent(firefoxOnWindows)
	signIn(second, server.url, name, password)
	second.See("Your sessions")
	first.Follow("Your sessions")
	first.See("Firefox on Windows")
	first.Follow("Sign out Firefox on Windows at 127.0.0.1")
	first.See("Firefox on Windows is signed out.")
	first.See("Nowhere else")
	second.Follow("Storage")
	second.See("Sign in")
	first.Follow("Storage")
	first.See("SQLite")

	t.Log("Without scripts everything works too.")
	plain := browser.New(t)
	plain.DisableScripts()
	signIn(plain, server.url, name, password)
	plain.See("Your sessions")
	plain.Follow("Sign out")
	plain.See("You are signed out.")
	plain.Visit(server.url)
	plain.See("Sign in")

	server.stop(t)
}

func signIn(b *browser.Browser, url, name, password string) {
	b.Visit(url)
	b.Type("Name", name)
	b.Type("Password", password)
	b.Follow("Sign in")
}

// running is a running `cloakroom serve`.
type running struct {
	cmd    *exec.Cmd
	output string // the file that takes what it says
	url    string
}

// startServe starts the program and waits until it says where it listens.
func startServe(t *testing.T, data, listen string) *running {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	p := &running{
		cmd:    exec.Command(os.Args[0], "serve", "--listen", listen, "--data", data),
		output: output.Name(),
	}
	p.cmd.Env = append(os.Environ(), asProgram+"=yes")
	p.cmd.Stdout, p.cmd.Stderr = output, output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // when it did not stop
	p.url = p.says(t, regexp.MustCompile(`http://[\d.]+:\d+`))[0]
	return p
}

// says waits for output that matches, and returns it with its submatches.
func (p *running) says(t *testing.T, pattern *regexp.Regexp) []string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		output, err := os.ReadFile(p.output)
		if err != nil {
			t.Fatal(err)
		}
		if match := pattern.FindStringSubmatch(string(output)); match != nil {
			return match
		}
		if time.Now().After(deadline) {
			t.Fatalf("cloakroom serve does not say %s, but:\n%s", pattern, output)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stop ends the program as an operator would.
func (p *running) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("cloakroom serve did not end well: %v", err)
	}
}
