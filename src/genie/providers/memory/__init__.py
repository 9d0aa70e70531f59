"""A calendar system inside the process: for tests and for the state machine that plays both sides."""

from genie.providers.kind import Kind

KIND = Kind(
    label="In-process calendar (tests only)",
    key_name="Memory key",
    calendar_name="In-process calendar",
    provider="genie.providers.memory.provider:Memory",
    sign_in="genie.providers.memory.sign_in:Pages",
    signs_in_at="In-process",
    consent="Tick each calendar permission it shows, or nothing can be connected.",
    take_back="end the grant in the account's settings",
    notifications="genie.providers.memory.notifications:heard",
    options={"pages": "https://pages.invalid/sign-in"},
    for_tests=True,
)
