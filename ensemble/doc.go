// Package ensemble looks at the servers of an ensemble from outside: who is
// there, in which role, how far, how busy. It asks with four-letter words over
// the client port, so that it works on Apache's servers as on Meerkat's; srvr is
// always answered, and mntr and cons tell more where the whitelist has them.
package ensemble
