//go:build unix

package train

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"coigwriter/internal/errs"
)

// spawn starts a shell script as the leader of a session of its own, so that it outlives this process
// and whatever terminal that has. what is its mark.
func spawn(path, what string) (Process, error) {
	cmd := exec.Command("/bin/sh", path)
	cmd.Dir, cmd.Env = filepath.Dir(path), append(ownEnv(), mark+what)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return Process{}, errs.Unavailablef("start %s: %w", path, err)
	}
	p := Process{Pid: cmd.Process.Pid}
	p.Born, _ = born(p.Pid)        // where it has ended already, its marker says so
	go func() { _ = cmd.Wait() }() // its end is read from the marker; this only lets the system forget it
	return p, nil
}

// alive reports whether any process of the group still runs, or any that bears the mark.
func (p Process) alive(what string) bool { return len(p.members(what)) > 0 }

// terminate asks the whole group to end.
func (p Process) terminate(what string) {
	if len(p.members(what)) > 0 && p.ours() {
		_ = syscall.Kill(-p.Pid, syscall.SIGTERM) // it may have ended this instant
	}
}

// kill ends every process of the group and every marked one.
func (p Process) kill(what string) {
	for _, pid := range p.members(what) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended this instant
	}
}

// ours reports whether the number is still free or that process's own.
func (p Process) ours() bool {
	b, running := born(p.Pid)
	return p.Pid > 1 && (!running || b == p.Born)
}

// members lists the processes of the group that have not ended, and those that bear the mark. A group
// whose number belongs to another process by now has none.
func (p Process) members(what string) []int {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return p.membersByPS()
	}
	ours := p.ours()
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var out []int
	for _, dir := range dirs {
		st := statOf(dir)
		if len(st) < 3 || st[0] == "Z" || st[0] == "X" {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if ours && st[2] == strconv.Itoa(p.Pid) || what != "" && marked(dir, what) {
			out = append(out, pid)
		}
	}
	return out
}

func marked(dir, what string) bool {
	env, err := os.ReadFile(dir + "/environ") // another person's cannot be read, and is not ours
	if err != nil {
		return false
	}
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if string(kv) == mark+what {
			return true
		}
	}
	return false
}

// statOf returns /proc/PID/stat from the state on: 0 state, 1 parent, 2 group … 19 start.
func statOf(dir string) []string {
	raw, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(raw[bytes.LastIndexByte(raw, ')')+1:]), " ")
	return strings.Fields(rest)
}

// born says when a process began, and whether it is there and has not ended.
func born(pid int) (string, bool) {
	if pid <= 0 {
		return "", false
	}
	if boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		st := statOf("/proc/" + strconv.Itoa(pid))
		if len(st) < 20 {
			return "", false
		}
		return strings.TrimSpace(string(boot)) + " " + st[19], st[0] != "Z" && st[0] != "X"
	}
	raw, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	return strings.TrimSpace(string(raw)), err == nil && len(bytes.TrimSpace(raw)) > 0
}

// membersByPS is members where there is no /proc; marks cannot be read there.
func (p Process) membersByPS() []int {
	if !p.ours() {
		return nil
	}
	raw, err := exec.Command("ps", "-A", "-o", "pid=,pgid=,stat=").Output()
	if err != nil {
		return nil
	}
	var out []int
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) == 3 && f[1] == strconv.Itoa(p.Pid) && !strings.HasPrefix(f[2], "Z") {
			pid, _ := strconv.Atoi(f[0])
			out = append(out, pid)
		}
	}
	return out
}
