//go:build !unix

package train

import "coigwriter/internal/errs"

func spawn(string, string) (Process, error) {
	return Process{}, errs.Unavailablef("runs are started on Linux or macOS; use --print and start the command yourself")
}

func (p Process) alive(string) bool { return false }
func (p Process) terminate(string)  {}
func (p Process) kill(string)       {}
