"""Floor 4: the environment, Django's settings, addresses, and the wiring of floors."""
