// Package crash ends the real binary at random moments under load and looks at
// what is left: every write that was acknowledged, and no transaction by half.
//
// CRASH_ROUNDS says how often the server is killed; 20 when it is not set.
package crash
