package datatree

import "iter"

// Most paths have one watcher and many watchers have one path, so both sides
// of the table keep the first member without a map.

// subscribers is the set of those who watch a path in one way.
type subscribers struct {
	one  *subscriber
	more map[*subscriber]struct{} // beside one; nil when empty
}

func (s *subscribers) add(sub *subscriber) {
	if _, there := s.more[sub]; there || s.one == sub {
		return
	}
	if s.one == nil {
		s.one = sub
		return
	}
	if s.more == nil {
		s.more = make(map[*subscriber]struct{})
	}
	s.more[sub] = struct{}{}
}

func (s *subscribers) remove(sub *subscriber) {
	if s.one == sub {
		s.one = nil
		return
	}
	if delete(s.more, sub); len(s.more) == 0 {
		s.more = nil
	}
}

func (s *subscribers) len() int {
	if s.one != nil {
		return len(s.more) + 1
	}
	return len(s.more)
}

// pathModes is what one watcher watches.
type pathModes struct {
	one      *watchedPath
	oneModes modes
	more     map[*watchedPath]modes // beside one; nil when empty
}

// get returns the modes on a path; 0 when it is not watched.
func (s *pathModes) get(p *watchedPath) modes {
	if p != nil && s.one == p {
		return s.oneModes
	}
	return s.more[p]
}

// put sets the modes on a path; 0 forgets it.
func (s *pathModes) put(p *watchedPath, m modes) {
	switch _, there := s.more[p]; {
	case m == 0 && s.one == p:
		s.one, s.oneModes = nil, 0
	case m == 0:
		if delete(s.more, p); len(s.more) == 0 {
			s.more = nil
		}
	case s.one == p || s.one == nil && !there:
		s.one, s.oneModes = p, m
	default:
		if s.more == nil {
			s.more = make(map[*watchedPath]modes)
		}
		s.more[p] = m
	}
}

func (s *pathModes) len() int {
	if s.one != nil {
		return len(s.more) + 1
	}
	return len(s.more)
}

// all visits every path; the one at hand may be forgotten meanwhile.
func (s *pathModes) all() iter.Seq2[*watchedPath, modes] {
	return func(yield func(*watchedPath, modes) bool) {
		if s.one != nil && !yield(s.one, s.oneModes) {
			return
		}
		for p, m := range s.more {
			if !yield(p, m) {
				return
			}
		}
	}
}
