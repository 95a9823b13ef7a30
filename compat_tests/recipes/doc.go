// Package recipes has Curator, and our package recipes, take part in the same
// lock, election, barrier: side by side on one server, each waiting for the
// other.
package recipes
