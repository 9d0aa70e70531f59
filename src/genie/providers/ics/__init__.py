"""Public calendar files (ICS): read for busy time from an address that anybody who knows it may open."""

from genie.providers.kind import Kind

KIND = Kind(
    label="Public calendar address (ICS)",
    key_name="Public calendar",
    calendar_name="public calendar",
    provider="genie.providers.ics.provider:Ics",
    public="genie.providers.ics.typed:PublicFile",
    read_every=900.0,
    take_back="take the calendar's public address away where it was published",
)
