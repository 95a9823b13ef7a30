// Package repotest checks habits that hold in the whole repository: which
// package may import which, how large files and functions are, that what is
// exported is documented, that every setting is used. It has nothing but
// tests.
package repotest
