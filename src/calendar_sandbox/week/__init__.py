"""The calendar page: a week of one calendar of any of the systems, shown and changed as its owner would."""

from calendar_sandbox.week.routes import routes

__all__ = ["routes"]
