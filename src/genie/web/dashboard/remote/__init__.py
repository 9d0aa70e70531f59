"""Keys, the linked calendar of a module, and the calendars a schedule reads."""
