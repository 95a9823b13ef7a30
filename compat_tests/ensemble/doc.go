// Package ensemble runs ensembles of Meerkat and Apache servers together, under
// clients that write without a pause, while members are killed, frozen, wiped
// and replaced by the other kind on the same directory. At the end no
// acknowledged write may be lost, no session that was kept alive, and every
// member must hold the same tree.
package ensemble
