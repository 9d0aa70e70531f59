"""How the place of a visit is said: before it is booked, and once it is."""

from __future__ import annotations

import pytest

from genie.core.places import asks_for_phone, is_web_link, place_agreed, place_offered
from genie.store.models import AppointmentKind


@pytest.mark.parametrize(
    ("kind", "place", "offered", "agreed", "asks"),
    [
        ("address", "12 Elm St", "12 Elm St", "12 Elm St", False),
        ("address", "", "", "", False),
        ("phone", "+1 202 555 0123", "By phone: +1 202 555 0123", "By phone: +1 202 555 0123", False),
        ("phone", "", "By phone: we call you", "By phone", True),
        ("video", "", "Video call", "Video call", False),
        ("video", "https://meet.example/acme", "Video call", "https://meet.example/acme", False),
    ],
)
def test_a_place_is_said(kind: str, place: str, offered: str, agreed: str, asks: bool) -> None:
    assert place_offered(kind, place) == offered
    assert place_agreed(kind, place) == agreed
    assert asks_for_phone(kind, place) is asks


@pytest.mark.parametrize(
    ("place", "followed"),
    [
        ("https://meet.example/a?b=c", True),
        ("HTTPS://meet.example", True),
        ("http://meet.example", False),
        ("javascript:alert(1)", False),
        ("https://meet.example and more", False),
        ("12 Elm St", False),
    ],
)
def test_only_a_web_link_can_be_followed(place: str, followed: bool) -> None:
    assert is_web_link(place) is followed


def test_the_table_knows_the_same_kinds_of_place() -> None:
    from genie.core.places import PlaceKind

    assert {kind.value for kind in PlaceKind} == set(AppointmentKind.PlaceKind.values)
