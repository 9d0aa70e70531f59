"""Floor 1: outgoing messages behind one port. No Django here: settings are passed in."""
