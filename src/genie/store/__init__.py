"""Floor 1: the one Django app with tables, its queries, and the names of jobs."""
