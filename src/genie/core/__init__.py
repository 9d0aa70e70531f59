"""Floor 0: the pure rules. No Django, network, clock, randomness or logging; `now` is an argument."""
