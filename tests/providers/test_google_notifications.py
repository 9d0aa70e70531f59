"""Messages of Google's channels: headers, an empty body, and strangers' nonsense."""

from __future__ import annotations

import pytest

from genie.core.errors import Malformed
from genie.providers.port import Heard, Notification
from genie.providers.registry import notifications

# as the guide to push shows them
CHANGE = {
    "Content-Type": "application/json; utf-8",
    "Content-Length": "0",
    "X-Goog-Channel-ID": "4ba78bf0-6a47-11e2-bcfd-0800200c9a66",
    "X-Goog-Channel-Token": "398348u3tu83ut8uu38",
    "X-Goog-Channel-Expiration": "Tue, 19 Nov 2013 01:13:52 GMT",
    "X-Goog-Resource-ID": "ret08u3rv24htgh289g",
    "X-Goog-Resource-URI": "https://www.googleapis.com/calendar/v3/calendars/my_calendar@gmail.com/events",
    "X-Goog-Resource-State": "exists",
    "X-Goog-Message-Number": "10",
}


def heard(headers: dict[str, str], body: bytes = b"") -> Heard:
    read = notifications("google")
    assert read is not None
    return read(headers, {}, body)


def test_a_change_names_its_channel_and_shows_its_token():
    assert heard(CHANGE) == Heard(
        (Notification("4ba78bf0-6a47-11e2-bcfd-0800200c9a66", "398348u3tu83ut8uu38"),)
    )


def test_the_first_message_is_a_greeting():
    (hello,) = heard(CHANGE | {"X-Goog-Resource-State": "sync", "X-Goog-Message-Number": "1"}).notifications
    assert hello.hello


@pytest.mark.parametrize("state", ["not_exists", "update", ""])
def test_any_other_state_is_a_reason_to_look(state):
    (one,) = heard(CHANGE | {"X-Goog-Resource-State": state}).notifications
    assert not one.hello


def test_headers_are_found_in_any_case():
    assert heard({name.lower(): value for name, value in CHANGE.items()}) == heard(CHANGE)


def test_without_a_token_there_is_none():
    (one,) = heard({"X-Goog-Channel-ID": "c"}).notifications
    assert one.token == ""


@pytest.mark.parametrize("headers", [{}, {"X-Goog-Channel-ID": ""}, {"Host": "x"}])
def test_what_is_no_message_is_malformed(headers):
    with pytest.raises(Malformed):
        heard(headers, b"x" * 100)
