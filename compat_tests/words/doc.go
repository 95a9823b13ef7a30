// Package words compares the answers to four-letter words: the same keys, the
// same shape of every line, and the same values where the requests sent
// before determine them.
package words
