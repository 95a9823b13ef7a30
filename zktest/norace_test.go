//go:build !race

package zktest_test

// raceEnabled tells that everything is slower by an order of magnitude.
const raceEnabled = false
