"""Floor 2: what the product does, one verb per file; each owns its transaction and is given `now`."""
