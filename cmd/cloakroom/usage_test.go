package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// allCommands are the commands, and those below them, as they are called.
func allCommands() map[string]*cobra.Command {
	all := map[string]*cobra.Command{}
	var add func(of *cobra.Command)
	add = func(of *cobra.Command) {
		for _, c := range of.Commands() {
			_, words, _ := strings.Cut(c.CommandPath(), " ")
			all[words] = c
			add(c)
		}
	}
	add((&program{}).rootCommand())
	return all
}

// wrong are command lines that make no sense, of every command there is.
func wrong() (lines [][]string) {
	// what a command cannot do without, beside a site
	needs := map[string]string{"show": "key", "revoke": "key", "set": "key n=1", "create": "n=1", "copy": "--to locmem:"}
	for name, c := range allCommands() {
		add := func(more ...string) { lines = append(lines, append(strings.Fields(name), more...)) }
		add("--no-such-flag")
		add("more", "arguments", "=", "than", "it", "takes")
		c.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Value.Type() != "string" {
				add("--" + flag.Name + "=nonsense")
			}
		})
		switch {
		case strings.HasPrefix(name, "completion "), name == "help": // need nothing
		case name == "completion", name == "passwd", name == "man":
			add()
		default:
			if name != "serve" { // which needs no site
				add()
			}
			for _, site := range []string{
				"--engine nonsense://127.0.0.1", "--engine sqlite:///x --cache nonsense:", "--engine cookies: --cache locmem:",
				"--cache locmem:", "--engine locmem: --settings settings.py",
				"--engine redis://h/abc", "--engine sqlite:///x --cache memcached://h:0",
			} {
				add(strings.Fields(needs[name] + " " + site)...)
			}
			if needs[name] != "" {
				add("--engine", "locmem:")
			}
		}
	}
	return append(lines, [][]string{
		{"nothing-like-that"},
		{"nothing-like-that", "--help"},
		{"--json", "nothing-like-that", "-h"},
		{"lis", "--help"},
		{"--no-such-flag"},
		{"help", "nothing-like-that"},
		{"syncdb", "--no-such-flag"},
		{"list", "--limit", "-1", "--engine", "locmem:"},
		{"list", "--json=perhaps"},
		{"check", "--cookie", "--engine", "cookies:"}, // with nothing on standard input
		{"clearsessions", "--batch", "0", "--engine", "locmem:"},
		{"clearsessions", "--rate", "-1", "--engine", "locmem:"},
		{"show", "one", "two"},
		{"show", "-", "--engine", "locmem:"}, // the same
		{"revoke", "key", "--user", "ada", "--engine", "locmem:"},
		{"revoke", "key", "--all", "--engine", "locmem:"},
		{"revoke", "--all", "--engine", "locmem:"}, // and nobody to ask
		{"create", "n", "--engine", "locmem:"},
		{"create", "n=Ada", "--engine", "locmem:"},
		{"create", "=1", "--engine", "locmem:"},
		{"set", "key", "--engine", "locmem:"},
		{"copy", "--engine", "locmem:", "--to", "nonsense:"},
		{"copy", "--engine", "locmem:", "--to", "locmem:", "--to-settings", "settings.py"},
		{"copy", "--engine", "locmem:", "--to", "locmem:", "--mirror", "--follow"},
		{"createdb", "--reveal", "--engine", "mysql://user:pw@h/x"},
		{"createdb", "--engine", "mysql://h/x"},      // whose user
		{"createdb", "--engine", "mysql://user@h/x"}, // and no password
		{"decode", "--format", "json"},
		{"encode", "--serializer", "msgpack"},
		{"encode", "--protocol", "6"},
		{"completion", "tcsh"},
	}...)
}

// malformed are URLs of known schemes that make no sense.
var malformed = []string{
	"redis://h/abc", "redis://h?nonsense=1", "rediss://h?ssl_ca_certs=/no/such/file", "redis+sentinel://h", "redis+cluster://h/3", "redis:", "redis://h:port", "redis://user:pass/word@h",
	"memcached://", "memcached://h:0", "memcached://h:port", "memcached:", "locmem:nonsense", "cookies:nonsense",
	"sqlite:", "sqlite:///:memory:", "sqlite://h/x", "mysql://h", "mysql:///x", "mysql://h/x?nonsense=1", "mariadb://h/x?ssl_mode=nonsense",
	"postgres://h:port/x", "postgres://h/x?sslmode=nonsense", "postgresql://%zz/x", "file:relative", "file://h/x", "file:///x?nonsense=1",
}

// Wrong usage of any command is one line, and exit code 2.
func TestUsage(t *testing.T) {
	t.Parallel()
	all := wrong()
	for _, url := range malformed {
		all = append(all, []string{"list", "--engine", url}, []string{"settings", "--engine", url}, []string{"copy", "--engine", "locmem:", "--to", url})
	}
	for _, args := range all {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := command(t, args...)
			if code != exitUsage || stdout != "" {
				t.Errorf("exit code %d, %q on standard output", code, stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "cloakroom: ") || !strings.Contains(stderr, "--help'") {
				t.Errorf("this is not one line with a hint:\n%s", stderr)
			}
		})
	}
}

// Every command shows how it is used.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range (&program{}).rootCommand().Commands() {
		code, stdout, _ := command(t, c.Name(), "--help")
		if code != exitDone {
			t.Errorf("%s --help: exit code %d", c.Name(), code)
		}
		if c.Name() != "help" && c.Name() != "completion" && (!strings.Contains(stdout, "Examples:") || !strings.Contains(stdout, "\n  cloakroom "+c.Name()) && !strings.Contains(stdout, "| cloakroom "+c.Name())) {
			t.Errorf("%s --help shows no example:\n%s", c.Name(), stdout)
		}
		for line := range strings.SplitSeq(stdout, "\n") {
			if len([]rune(line)) > 80 && c.Name() != "completion" {
				t.Errorf("%s --help has a long line: %s", c.Name(), line)
			}
		}
	}
}

func TestManualPages(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "man1")
	if code, _, stderr := command(t, "man", folder); code != exitDone {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, c := range (&program{}).rootCommand().Commands() {
		if c.Name() == "help" {
			continue
		}
		page, err := os.ReadFile(filepath.Join(folder, "cloakroom-"+c.Name()+".1"))
		if err != nil || !strings.Contains(string(page), ".SH DESCRIPTION") {
			t.Errorf("%s: %v", c.Name(), err)
		}
	}
}

// The command line has the last word, and what it says excludes what the
// environment says instead.
func TestEnvironment(t *testing.T) {
	s := openSite(t, t.TempDir())
	t.Setenv(secretVariable, secret)
	t.Setenv("CLOAKROOM_ENGINE", s.flags[1])
	t.Setenv("CLOAKROOM_JSON", "true")
	if code, stdout, stderr := command(t, "list"); code != exitDone || stdout != "[]\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	file := filepath.Join(t.TempDir(), "settings.py")
	write(t, file, "SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'\nSECRET_KEY = 'x'\n")
	if code, stdout, stderr := command(t, "settings", "--settings", file); code != exitDone || !strings.Contains(stdout, "signed_cookies") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, _ := command(t, "list", "--json=false"); code != exitDone || stdout != "No live session.\n" {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	t.Setenv("CLOAKROOM_SETTINGS", file)
	if code, _, stderr := command(t, "list"); code != exitUsage {
		t.Errorf("both from the environment: exit code %d, %q", code, stderr)
	}
	if code, _, stderr := command(t, "list", s.flags[0], s.flags[1]); code != exitDone {
		t.Errorf("the engine of the command line: exit code %d, %q", code, stderr)
	}
}
