package health

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// freeOf returns the bytes that this user may still write below a folder.
func freeOf(folder string) (uint64, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("read the free space of %s: %w", folder, err)
	}
	return free, nil
}
