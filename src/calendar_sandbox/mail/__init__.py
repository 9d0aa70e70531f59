"""The mail box: everything sent to the sandbox's SMTP port, readable on a page."""

from calendar_sandbox.mail.routes import routes

__all__ = ["routes"]
