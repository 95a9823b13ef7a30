package main

// A group of rows has tables of its own.
type group struct {
	rows    []row
	servers string // that share the machine with the load generator
	begin   string // the lines between which the figures stand in the note
	end     string
	raw     string // file of the figures of every round
	ceiling bool   // an echo server is measured, too
}

var (
	standalone = group{rows: rows, servers: "the server", raw: "figures.json", ceiling: true,
		begin: "<!-- figures: written by make bench -->", end: "<!-- end of the figures -->"}
	ensembles = group{rows: ensembleRows, servers: "the three servers", raw: "ensembles.json",
		begin: "<!-- ensemble figures: written by make bench -->", end: "<!-- end of the ensemble figures -->"}
)

// groupsOf are those that the options ask for, each with the rows wanted.
func groupsOf(o options, only map[string]bool) (list []group) {
	for _, g := range []group{standalone, ensembles} {
		if o.ensemble && g.raw != ensembles.raw {
			continue
		}
		if g.rows = g.wanted(only); len(g.rows) > 0 {
			list = append(list, g)
		}
	}
	return list
}

// wanted are the rows that are named; all when none is named at all.
func (g group) wanted(only map[string]bool) (list []row) {
	for _, r := range g.rows {
		if len(only) == 0 || only[r.key] {
			list = append(list, r)
		}
	}
	return list
}

// keys is the set of the rows.
func (g group) keys() map[string]bool {
	set := map[string]bool{}
	for _, r := range g.rows {
		set[r.key] = true
	}
	return set
}

// of leaves out the contenders that have no part in the group.
func (g group) of(contenders []contender) (list []contender) {
	for _, c := range contenders {
		if g.ceiling || !c.echo {
			list = append(list, c)
		}
	}
	return list
}
