"""What can go wrong, each said in three parts: what happened, what it means, what to do.

Fault            the request was not carried out
├── BadInput     400  what was typed cannot be used
├── Forbidden    403  another site tried to act here, or the calendar may not be written
├── Gone         404  the event, letter or calendar is not there (any more)
├── Stale        412  somebody changed the event first
└── ServerFault  502  the calendar server did not do its part
"""

from __future__ import annotations


class Fault(Exception):
    """The request was not carried out; the three texts are for a person."""

    status = 500

    def __init__(self, what: str, meaning: str, action: str, *, field: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.meaning = meaning
        self.action = action
        self.field = field

    def as_json(self) -> dict[str, dict[str, str]]:
        """Return the shape every JSON answer uses for an error."""
        said = {"what": self.what, "meaning": self.meaning, "action": self.action}
        return {"error": said | ({"field": self.field} if self.field else {})}


class BadInput(Fault):
    """What was sent cannot be used."""

    status = 400


class Forbidden(Fault):
    """The caller may not do this."""

    status = 403


class Gone(Fault):
    """There is nothing under this name."""

    status = 404

    @classmethod
    def event(cls) -> Gone:
        return cls(
            "This event is not on the calendar any more.",
            "Somebody deleted it meanwhile, so nothing was changed.",
            "Go back to the week: it shows what is there now.",
        )


class Stale(Fault):
    """The event has another version on the server than the one that was looked at."""

    status = 412

    @classmethod
    def event(cls) -> Stale:
        return cls(
            "Somebody else changed this event first.",
            "Your change was not saved, and theirs is kept.",
            "Look at the event as it is now and make your change again if you still want it.",
        )


class ServerFault(Fault):
    """The calendar server could not be reached, or refused."""

    status = 502
