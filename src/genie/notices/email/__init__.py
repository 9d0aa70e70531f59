"""E-mail: what is said (letters, calendar_file) and how it leaves (mime, smtp)."""
