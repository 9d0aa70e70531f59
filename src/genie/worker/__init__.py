"""Floor 3: time in. Tasks that jobs wake, periodic ones, and the installation's commands."""
