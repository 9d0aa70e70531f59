"""The main job as people do it: connect a calendar in 21 steps, book, move it there, see it here, unlink.

Everything is real: a browser, the product as it is run, a Radicale, an SMTP sink; and the calendar's owner
works with a CalDAV client that is not ours.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import caldav
import pytest
from tests.e2e import journey
from tests.outside import CalDavServer, SmtpSink
from tests.serving import GenieServer

from genie.store.models import Company, EventLink

pytestmark = pytest.mark.browser


@pytest.fixture
def company(transactional_db: None) -> Company:
    return journey.open_for_business()


def test_the_whole_journey(
    company: Company,
    genie_server: GenieServer,
    radicale: CalDavServer,
    smtp_sink: SmtpSink,
    page: Any,
    browser: Any,
) -> None:
    radicale.make_calendar("reception", name="Reception")
    page.set_default_timeout(journey.SOON)
    _connect(page, genie_server.base_url, radicale)

    appointment = journey.book(browser, genie_server.base_url)
    journey.wait_until_in_step(page, genie_server.base_url, appointment)
    calendar = _owners_calendar(radicale)
    (event,) = calendar.events()
    shown = event.icalendar_component
    assert "Ann Lee" in str(shown["summary"]) and "ann@customer.example" in str(shown["description"])
    assert shown["dtstart"].dt.astimezone(UTC) == appointment.start

    _the_owner_moves_it(event, timedelta(hours=1))
    page.get_by_text("by Reception").filter(visible=True).first.wait_for()
    assert journey.fresh(appointment).start == appointment.start + timedelta(hours=1)
    assert journey.fresh(appointment).history.get(field="when").by == "Reception"

    event.load()
    event.icalendar_component["summary"] = "Ann Lee (brings her dog)"
    event.save()
    page.get_by_text("Ann Lee (brings her dog)").filter(visible=True).first.wait_for()

    event.delete()
    page.get_by_text("Cancelled").filter(visible=True).first.wait_for()
    assert journey.fresh(appointment).state == "cancelled"
    assert smtp_sink.to("ann@customer.example"), "the confirmation"

    second = journey.book(browser, genie_server.base_url)
    journey.wait_until_in_step(page, genie_server.base_url, second)
    journey.unlink(page, genie_server.base_url, "Reception")
    asked = radicale.log.read_text().count("\n")
    third = journey.book(browser, genie_server.base_url)
    _the_owner_moves_it(_owners_calendar(radicale).events()[0], timedelta(hours=2))
    owners_own = radicale.log.read_text().count("\n")
    assert owners_own > asked, "the log of the server does count requests"
    # the worker is awake: it sends the third booking's letter, and sweeps on
    journey.until(lambda: len(smtp_sink.to("desk@acme.example")) >= 3, page)
    page.goto(f"{genie_server.base_url}{journey.MODULE}/calendar")
    page.wait_for_timeout(4_000)  # two sweeps of a worker in another process, whose clock is not ours
    assert radicale.log.read_text().count("\n") == owners_own
    assert journey.fresh(second).start == second.start
    assert not EventLink.objects.filter(appointment=third).exists()


def _connect(page: Any, base: str, server: CalDavServer) -> None:
    """Steps 1 to 21."""
    journey.to_new_key(page, base, "CalDAV (Apple iCloud, Fastmail, Nextcloud, …)")
    owner = journey.launched(page)
    owner.get_by_text("Application Access").wait_for()
    owner.get_by_text("Acme Dental").first.wait_for()
    owner.get_by_label("Server address").fill(server.base_url)
    owner.get_by_label("User").fill(server.user)
    owner.get_by_label("App password").fill(server.password)
    owner.get_by_role("button", name="Allow access").click()
    owner.get_by_text("You may close this window").wait_for()
    owner.close()
    journey.use_key(page, "CalDAV key", "Reception")


def _owners_calendar(server: CalDavServer) -> Any:
    client = caldav.DAVClient(url=server.base_url, username=server.user, password=server.password)
    return next(c for c in client.principal().calendars() if "reception" in str(c.url))


def _the_owner_moves_it(event: Any, by: timedelta) -> None:
    event.load()
    component = event.icalendar_component
    for name in ("dtstart", "dtend"):
        component[name].dt += by
    event.save()
