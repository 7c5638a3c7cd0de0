package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// What only the target's word stands for is not said to be proved.
func TestExplainSaysWhatWasAcceptedAndNotVerified(t *testing.T) {
	for unverified, want := range map[bool]string{false: "last confirmed there (base)", true: "accepted, not verified (base)"} {
		c := store.Customer{Sync: "s", Customer: "cus_1", Base: store.Base{Known: true, Value: "Active", Unverified: unverified}}
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		r := contract.CustomerOf(c, nil, nil)
		if err := printCustomer(cmd, r, c, plannedRow{}, false, nil, false); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) || r.Verified == unverified {
			t.Errorf("unverified %t: verified is %t, and it says\n%s", unverified, r.Verified, out.String())
		}
	}
}
