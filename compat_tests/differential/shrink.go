package differential

// shrink takes steps away as long as try says that the rest still fails, and
// returns what is left when nothing more can go, or try has had enough.
func shrink(steps []Step, try func([]Step) (fails, goOn bool)) []Step {
	for size := len(steps) / 2; size >= 1; {
		shorter := false
		// From the end: what stands there matters least, save the last step.
		for at := len(steps) - size; at >= 0; at -= size {
			rest := append(append([]Step(nil), steps[:at]...), steps[at+size:]...)
			fails, goOn := try(rest)
			if !goOn {
				return steps
			}
			if fails {
				steps, shorter = rest, true
			}
		}
		if !shorter || size > len(steps)/2 {
			size /= 2
		}
	}
	return steps
}
