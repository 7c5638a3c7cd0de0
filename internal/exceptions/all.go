package exceptions

import (
	"context"
	"iter"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// readAtOnce is how many exceptions All reads at a time.
const readAtOnce = 500

// All are the chosen exceptions, the latest first. They are read a part at a time, so
// that a download of many takes no memory. named adds to a part what owners are called.
func All(ctx context.Context, db *store.DB, f store.ExceptionFilter, named func([]contract.Exception) error) iter.Seq2[contract.Exception, error] {
	return func(yield func(contract.Exception, error) bool) {
		f.Limit = readAtOnce
		for {
			found, err := db.Exceptions(ctx, f)
			if err != nil {
				yield(contract.Exception{}, err)
				return
			}
			rows := make([]contract.Exception, len(found))
			for i, x := range found {
				f.Before = x.ID
				rows[i] = contract.ExceptionOf(x)
			}
			if err := named(rows); err != nil {
				yield(contract.Exception{}, err)
				return
			}
			for _, x := range rows {
				if !yield(x, nil) {
					return
				}
			}
			if len(found) < readAtOnce {
				return
			}
		}
	}
}
