"""What the owner of a CalDAV account types on our registration page."""

from __future__ import annotations

from collections.abc import Mapping

from genie.core.errors import (
    AddressRefused,
    ConnectFault,
    NoSuchHost,
    NotACalendarServer,
    Unreachable,
    WrongPassword,
)
from genie.providers.caldav.auth import authorize
from genie.providers.port import Grant, TypedField
from genie.providers.registry import ProviderSettings

ADDRESS = TypedField(
    name="address",
    label="Server address",
    missing="Type the address of your calendar server.",
    longest=500,
    help="As your calendar provider says it, for example caldav.fastmail.com.",
    attributes={
        "autocomplete": "url",
        "inputmode": "url",
        "autocapitalize": "none",
        "spellcheck": "false",
        "placeholder": "caldav.example.com",
    },
    question="Which address do I type?",
    answers=(
        ("Apple iCloud", "caldav.icloud.com, with an app-specific password made at account.apple.com."),
        (
            "Fastmail",
            "caldav.fastmail.com, with an app password made under Settings › Privacy & Security.",
        ),
        ("Nextcloud", "the address of your cloud, with an app password made under Settings › Security."),
        ("Anything else", "look for “CalDAV address” in your calendar's settings."),
    ),
)
USER = TypedField(
    name="user",
    label="User",
    missing="Type the user name you sign in with there.",
    longest=254,
    help="Mostly your e-mail address there.",
    attributes={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
)
PASSWORD = TypedField(
    name="password",
    label="App password",
    missing="Type the app password.",
    longest=1000,
    help="Not your usual password, where your provider offers app passwords.",
    secret=True,
    attributes={"autocomplete": "off"},
)


class CalDavTyped:
    """A server's address, a user and an app password."""

    access = (
        "See which account this is (who granted)",
        "See the list of your calendars",
        "View and edit events on your calendars",
    )
    title = "Sign in to your calendar server"
    fields = (ADDRESS, USER, PASSWORD)
    who = USER.name
    beside: Mapping[type[ConnectFault], str] = {
        WrongPassword: PASSWORD.name,
        NoSuchHost: ADDRESS.name,
        Unreachable: ADDRESS.name,
        AddressRefused: ADDRESS.name,
        NotACalendarServer: ADDRESS.name,
    }

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings

    def authorize(self, typed: Mapping[str, str]) -> Grant:
        """Raises each kind of ConnectFault, in a sentence for the owner."""
        return authorize(
            address=typed["address"],
            user=typed["user"],
            password=typed["password"],
            settings=self._settings,
        )
