"""A calendar system inside the process: for tests and for the state machine that plays both sides."""
