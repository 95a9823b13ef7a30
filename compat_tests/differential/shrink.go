package differential

// shrink takes away what it can as long as try says that the rest still
// fails, steps first and then requests out of bursts, and returns what is
// left when nothing more can go, or try has had enough.
func shrink(steps []Step, try func([]Step) (fails, goOn bool)) []Step {
	steps, goOn := shrinkList(steps, try)
	for i := 0; i < len(steps) && goOn; i++ {
		burst, ok := steps[i].(send)
		if !ok || len(burst.requests) == 1 {
			continue
		}
		burst.requests, goOn = shrinkList(burst.requests, func(rest []request) (bool, bool) {
			if len(rest) == 0 {
				return false, true
			}
			return try(with(steps, i, send{burst.slot, rest}))
		})
		steps = with(steps, i, burst)
	}
	return steps
}

func with(steps []Step, i int, st Step) []Step {
	changed := append([]Step(nil), steps...)
	changed[i] = st
	return changed
}

// shrinkList takes away ever smaller pieces, from the end on: what stands
// there matters least, save the last element.
func shrinkList[T any](list []T, try func([]T) (fails, goOn bool)) (rest []T, goOn bool) {
	for size := max(1, len(list)/2); ; {
		shorter := false
		for at := len(list) - size; at >= 0; at -= size {
			rest := append(append([]T(nil), list[:at]...), list[at+size:]...)
			fails, goOn := try(rest)
			if !goOn {
				return list, false
			}
			if fails {
				list, shorter = rest, true
			}
		}
		if size == 1 && !shorter {
			return list, true
		}
		if !shorter || size > len(list)/2 {
			size = max(1, size/2)
		}
	}
}
