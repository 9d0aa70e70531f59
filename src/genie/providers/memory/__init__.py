"""A calendar system inside the process: for tests and for the state machine that plays both sides."""

from genie.providers.kind import Kind

KIND = Kind(
    label="In-process calendar (tests only)",
    key_name="Memory key",
    calendar_name="In-process calendar",
    provider="genie.providers.memory.provider:Memory",
    for_tests=True,
)
