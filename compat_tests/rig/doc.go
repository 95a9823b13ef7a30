// Package rig starts the servers that the compatibility tests compare: the
// Apache releases in the fixture cache and Meerkat's own binary, each on a
// free loopback port with a folder of its own, and ends every process it
// started.
//
// Which server stands in the subject's place is chosen by the environment:
//
//	COMPAT_SUBJECT  meerkat (the default), or apache, or apache-VERSION: the
//	                same tests with Apache on both sides, which must show no
//	                difference and so calibrate what is masked
//	COMPAT_BINARY   Meerkat's binary; bin/meerkat of the checkout by default
//	COMPAT_CACHE    the fixture cache; .cache/compat of the checkout by default
//	COMPAT_KEEP     a folder: the directory and the log of every server of a
//	                failed test are copied below it
package rig
