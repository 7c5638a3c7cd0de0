// Package proof is the roof over what shows that Trueup can be trusted. Nothing
// of the product imports what stands under it, and each package imports what its
// comment says: this package's tests see to both.
//
//	sim         whole histories in milliseconds, on a simulated world
//	oracle      the store as it should behave, in memory, which sim runs on
//	planted     bugs that are built in on purpose, each of which must be found
//	killtest    the real program, killed and frozen between real tools
//	canary      secrets and personal data, looked for in everything that is written
//	powercut    the store on a disk that loses what was not synced (its own module)
//	stripetest  the Stripe connection against Stripe's published description (its own module)
//	mutate      one change at a time in the pure packages, which a test has to notice
//	tools       what is proved of each tool that has a page, as a table
//	cmd         trueup-sim, trueup-kill and trueup-mutate, which run these at length
//
// docs/reliability.md says how each is run and what it has found. Suites that a
// package is developed with stand beside it: storetest, connectortest, decide's tests.
package proof
