"""CalDAV (RFC 4791, 6578, 6764): Apple iCloud, Fastmail, Nextcloud, Radicale and the like."""
