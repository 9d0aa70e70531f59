"""CalDAV (RFC 4791, 6578, 6764): Apple iCloud, Fastmail, Nextcloud, Radicale and the like."""

from genie.providers.kind import Kind

KIND = Kind(
    label="CalDAV (Apple iCloud, Fastmail, Nextcloud, …)",
    key_name="CalDAV key",
    calendar_name="CalDAV calendar",
    provider="genie.providers.caldav.provider:CalDav",
    typed="genie.providers.caldav.typed:CalDavTyped",
    take_back="delete the app password at your provider",
)
