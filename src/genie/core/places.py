"""Where a visit takes place: an address, a phone call, or a video link, and how that is said."""

from __future__ import annotations

from enum import StrEnum

BY_PHONE, BY_VIDEO = "By phone", "Video call"


class PlaceKind(StrEnum):
    """What the place of a kind of appointment is."""

    ADDRESS = "address"
    PHONE = "phone"
    VIDEO = "video"


def place_offered(kind: str, place: str) -> str:
    """For everybody who looks at the booking page: a video link is for those who have booked."""
    if kind == PlaceKind.VIDEO:
        return BY_VIDEO
    if kind == PlaceKind.PHONE:
        return f"{BY_PHONE}: {place}" if place else f"{BY_PHONE}: we call you"
    return place


def place_agreed(kind: str, place: str) -> str:
    """What an appointment keeps as its place. A number that the customer typed is not in it: it goes to
    letters, and nobody shall have a text of theirs delivered by us."""
    if kind == PlaceKind.PHONE:
        return f"{BY_PHONE}: {place}" if place else BY_PHONE
    if kind == PlaceKind.VIDEO:
        return place or BY_VIDEO  # without a link for all, somebody writes each appointment's own
    return place


def asks_for_phone(kind: str, place: str) -> bool:
    """Does the business call the customer, so that it needs their number?"""
    return kind == PlaceKind.PHONE and not place


def is_web_link(place: str) -> bool:
    """Is the place a link to follow, as of a video call?"""
    return place.lower().startswith("https://") and not any(map(str.isspace, place))
