package masterworker

import "slices"

// move gives a task to a worker, or takes it from one that is dead first.
type move struct {
	task string
	from string // "": nobody had it
	to   string
}

// plan decides who does what: pure, so that it can be tested with tables.
// tasks are all that are not done, in order; assigned is what each worker has,
// dead ones included. A task stays where it is as long as its worker lives;
// others go to whoever has the least to do.
func plan(tasks, workers []string, assigned map[string][]string) []move {
	if len(workers) == 0 {
		return nil
	}
	workers = slices.Clone(workers)
	slices.Sort(workers)
	owner, load := map[string]string{}, map[string]int{}
	for worker, theirs := range assigned {
		for _, task := range theirs {
			owner[task] = worker
		}
		load[worker] = len(theirs)
	}
	var moves []move
	for _, task := range tasks {
		from, has := owner[task]
		if has && slices.Contains(workers, from) {
			continue
		}
		to := slices.MinFunc(workers, func(a, b string) int { return load[a] - load[b] })
		load[to]++
		moves = append(moves, move{task, from, to})
	}
	return moves
}
