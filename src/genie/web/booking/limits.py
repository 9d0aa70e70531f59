"""How much one visitor may do on the public pages, and how whoever does more is told so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from genie.flows.take_turn import Act, Of, TooMany, Visitor
from genie.web.visitor import address_of

STATUS = 429
MINUTE = timedelta(minutes=1)
CANCEL_SOME = (
    "If you have appointments that you do not need, cancel them with the links in their confirmations; "
)


def visitor_of(request: HttpRequest) -> Visitor:
    return Visitor(
        address=address_of(request),
        per_address=settings.GENIE_LIMITS_PER_ADDRESS,
        per_email=settings.GENIE_LIMITS_PER_EMAIL,
        ahead=settings.GENIE_APPOINTMENTS_PER_EMAIL,
    )


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """What happened, what it means, what to do."""

    what: str
    means: str
    now: str


def turned_away(fault: TooMany, *, business: str) -> TurnedAway:
    """In words. An e-mail address's two limits read the same: nobody learns how many visits it has ahead."""
    network = fault.of is Of.ADDRESS
    again = said_wait(fault.wait) if network and fault.wait else "tomorrow"
    if fault.act is Act.CHANGE:
        return TurnedAway(
            f"There were too many changes {'from your network' if network else 'of your appointments'}.",
            "Nothing was changed; your appointment is where it was.",
            f"Try again {again}. If it cannot wait, call {business}.",
        )
    if network:
        what, do = (
            "There were too many bookings from your network.",
            f"Try again {again}. If it cannot wait, ",
        )
    else:
        what = "No more bookings are taken with this e-mail address for now."
        do = f"{CANCEL_SOME}or try again {again}, or "
    return TurnedAway(what, "Nothing was booked. What you typed is kept.", f"{do}call {business}.")


def said_wait(wait: timedelta) -> str:
    """*in a minute*, *in 7 minutes*, *in 3 hours*: rounded up, so that it is true."""
    minutes = -(-wait // MINUTE)
    if minutes < 2:
        return "in a minute"
    if minutes < 60:
        return f"in {minutes} minutes"
    hours = -(-minutes // 60)
    return "in an hour" if hours == 1 else f"in {hours} hours"


def with_wait(response: HttpResponse, fault: TooMany) -> HttpResponse:
    """With `Retry-After` (RFC 9110, 10.2.3) in seconds, where time helps and tells nothing."""
    if fault.wait and fault.of is Of.ADDRESS:
        response["Retry-After"] = str(-(-fault.wait // timedelta(seconds=1)))
    return response
