package train

import (
	"fmt"
	"os"
	"strings"
)

// A Process is the leader of a process group of this machine. Its number may be another's one day, so
// that when it began belongs to it.
type Process struct {
	Pid  int
	Born string // boot and time in it, as the system writes them
}

// mark is the variable that tells to which run a process belongs. Launchers put their workers into
// sessions of their own, which signals to the group do not reach; the mark finds them.
const mark = "COIGWRITER_RUN="

// hostname is the name runs know this machine by.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// ownEnv is this process's environment without settings of coigwriter, among which are secrets.
func ownEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "COIGWRITER_") {
			env = append(env, kv)
		}
	}
	return env
}

// script is what an attempt runs: the command, and how it ended in a file that is there whole or not at
// all. It is plain sh, so that it can be read, and run by hand or by a scheduler, without coigwriter.
func script(title string, c Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# %s\n# Runs the engine and writes %s when it has ended, whoever watches.\n", strings.ReplaceAll(title, "\n", " "), ExitFile)
	fmt.Fprintf(&b, "dir=$(cd \"$(dirname \"$0\")\" && pwd) || exit 1\n")
	if c.Dir != "" {
		fmt.Fprintf(&b, "cd %s || exit 1\n", shell(c.Dir))
	}
	for _, kv := range c.Env {
		k, v, _ := strings.Cut(kv, "=")
		fmt.Fprintf(&b, "export %s=%s\n", k, shell(v))
	}
	b.WriteString("trap : TERM INT # the engine gets the signal too; its end is still to be written down\n")
	fmt.Fprintf(&b, "%s >>\"$dir/%s\" 2>&1 </dev/null\ncode=$?\n", shellAll(c.Args), LogFile)
	b.WriteString(`printf '{"exit":%d,"at":"%s"}\n' "$code" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$dir/` + ExitFile + `.tmp" &&` + "\n")
	fmt.Fprintf(&b, "  mv \"$dir/%s.tmp\" \"$dir/%s\"\nexit \"$code\"\n", ExitFile, ExitFile)
	return b.String()
}
