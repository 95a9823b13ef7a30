// Package scripts compares the scripts in bin with Apache's: what they print,
// what they exit with and which files they leave, for the same arguments and
// environment.
//
// Apache's answers are recorded in testdata, so that ours are compared with
// them even where Apache's scripts cannot be had. Where they can, Apache is
// run too and must still answer so; -record writes the files anew.
package scripts
