"""Starting and stopping an installation on one machine: PostgreSQL, web, worker, and a demo outside world."""
