"""The calendar page: a week of one calendar, shown and changed over CalDAV."""

from calendar_sandbox.week.routes import routes

__all__ = ["routes"]
