// Package tutorial holds what docs/tutorial.md shows: its tests are the
// snippets, and one more test that finds each snippet here.
package tutorial
