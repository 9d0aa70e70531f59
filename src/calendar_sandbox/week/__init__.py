"""The calendar page: a week of one calendar, shown and changed as its owner would, on CalDAV or Google."""

from calendar_sandbox.week.routes import routes

__all__ = ["routes"]
