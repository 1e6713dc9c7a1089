//go:build unix

package secrets

import (
	"os/exec"
	"syscall"
)

// isolate puts a command into a process group of its own: an interrupt typed at the terminal then reaches orgctl alone, which
// lets the command finish, and a cancelled context ends the command's children as well.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
