"""Floor 1: calendar systems behind one port. Never the ORM; settings and secrets are passed in."""
