"""What the stand-ins do alike: faults, notifications, their file, the way to and from the web server."""
