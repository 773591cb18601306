package journal

import (
	"os"
	"strings"
)

// bootID identifies the life of the machine since it was started, or is empty
// where that cannot be known. What was written to a file is still there while it
// is the same, synced or not.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id") // Linux only
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
