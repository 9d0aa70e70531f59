"""What a provider's folder says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """One calendar system. Places are written `module:name` and imported when they are needed."""

    label: str
    """In *Create a new Remote Auth*."""
    key_name: str
    """What its keys are called in the list."""
    calendar_name: str
    """What a change that came from there is said to come from."""
    provider: str
    """Called with (secret, settings, renew): a `CalendarProvider`."""
    sign_in: str = ""
    """Called with (settings): a `SignIn`. Empty: there are no sign-in pages."""
    typed: str = ""
    """Called with (settings): a `TypedSignIn`, where there are no sign-in pages: the owner types it here."""
    public: str = ""
    """Called with (settings): a `TypedSignIn` for calendars that are opened by their address alone, without
    an account: only read, and added where a schedule reads them, not as a key. Empty: it has accounts."""
    read_every: float = 0.0
    """Seconds to leave a calendar alone after it was read; 0: read as often as anybody looks."""
    signs_in_at: str = ""
    """Who the pages of `sign_in` belong to, as in *Continue to …*; never empty where there is a `sign_in`."""
    consent: str = ""
    """What the owner does there once the account is chosen: a sentence."""
    take_back: str = ""
    """How the owner takes the access back without us: what to do, as a clause in the imperative."""
    approval: str = ""
    """The parameter with which an administrator comes back who approved this installation there for a whole
    organisation, or declined to. Empty: there is no such thing."""
    hosts: tuple[str, ...] = ()
    """Where people of this system have their mail: who types one of these as a server means this kind."""
    notifications: str = ""
    """A `Notifications`. Empty: the system has no push."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Its own settings, each `GENIE_<KIND>_<NAME>` in capitals for the operator, with what is usual."""
    needs: tuple[str, ...] = ()
    """The options without which no key of this kind can be made; with `|` between those of which one does."""
    secret_options: tuple[str, ...] = ()
    """The options that are secrets: never shown or logged."""
    for_tests: bool = False
    """Never shown to people."""
