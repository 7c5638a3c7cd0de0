// Package failpoint lets a test kill the program between any two steps of the
// path, as a power cut would. In a normal build Hit is an empty function that
// the compiler removes; with the build tag failpoint it kills the process with
// SIGKILL the n-th time it is called with the name in the environment variable
// TRUEUP_FAILPOINT, written as name or name:n.
//
// Main function: Hit. Invariant: without the tag nothing can be killed,
// whatever is in the environment. It imports nothing of ours.
package failpoint
