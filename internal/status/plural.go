package status

import "fmt"

// Plural counts things for people: 1 customer, 2 customers.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
