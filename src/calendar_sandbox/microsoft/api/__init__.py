"""Microsoft Graph v1.0, as far as calendars go: each method is a function of a `Call`."""
