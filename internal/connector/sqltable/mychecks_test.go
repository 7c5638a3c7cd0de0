package sqltable

import (
	"fmt"
	"testing"
)

// MariaDB's way to write a check constraint, and MySQL's, which was not run.
func TestTheListsOfCheckConstraintsAreRead(t *testing.T) {
	for ddl, want := range map[string]string{
		"  `status` varchar(20) DEFAULT NULL CHECK (`status` in ('Active','it\\'s','a\\\\b')),\n":                         `[["Active" "it's" "a\\b"]]`,
		"  CONSTRAINT `c_chk_1` CHECK ((`status` in (_utf8mb4'Active',_utf8mb4'Paused')))\n":                              `[["Active" "Paused"]]`,
		"  CONSTRAINT `ok` CHECK (`status` in ('A','B') or `status` is null)\n":                                           `[["A" "B"]]`,
		"  CONSTRAINT `a` CHECK (`status` in ('A')),\n  CONSTRAINT `b` CHECK (`status` in ('A','B'))\n":                   `[["A"] ["A" "B"]]`,
		"  CONSTRAINT `big` CHECK (`status` in ('A','B') and `u` > 3)\n":                                                  `[]`,
		"  CONSTRAINT `big` CHECK (`u` > 3 or `status` in ('A','B'))\n":                                                   `[]`,
		"  CONSTRAINT `no` CHECK (`status` not in ('A','B'))\n":                                                           `[]`,
		"  CONSTRAINT `other` CHECK (`state` in ('A','B'))\n":                                                             `[]`,
		"  CONSTRAINT `tab` CHECK (`status` in ('A\\tB'))\n":                                                              `[]`,
		"  `status` varchar(20) COMMENT 'CHECK (`status` in (''A''))',\n  CONSTRAINT `n` CHECK (`status` in ('A','B'))\n": `[["A" "B"]]`,
	} {
		if got := fmt.Sprintf("%q", (myDialect{}).checked(ddl, "status")); got != want {
			t.Errorf("%s gives %s, want %s", ddl, got, want)
		}
	}
}
