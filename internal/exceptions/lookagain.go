package exceptions

import "github.com/trueup-sync/trueup/internal/store"

// AboutCustomer is what a comparison of both tools reads for a customer who need not
// have an exception: the customer, and the record that it is linked to.
func AboutCustomer(c store.Customer) store.Exception {
	var x store.Exception
	x.Sync, x.Customer, x.SourceValue = c.Sync, c.Customer, c.Desired.SourceValue
	return x
}
