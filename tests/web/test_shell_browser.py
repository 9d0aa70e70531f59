"""The dashboard in a real browser: nothing refused by the policy, nothing scrolls sideways, forms by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.web.addresses import of_companies
from tests.web.tenants import PASSWORD, Tenant, person, tenant, with_team

from genie.store.models import (
    AppointmentKind,
    Change,
    Company,
    Connection,
    EventLink,
    Holiday,
    Incident,
    Lead,
    Module,
    OpeningHours,
    PublicHolidays,
    RemoteCalendar,
    RemoteKey,
    Role,
    Schedule,
    StaffMember,
    User,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def acme() -> Tenant:
    return with_team(tenant("Acme"))


def let_in(context: Any, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


def hours(acme: Tenant, weekday: int) -> list[str]:
    found = OpeningHours.objects.filter(schedule=acme.schedule, weekday=weekday)
    return [f"{one.opens:%H:%M}–{one.closes:%H:%M}" for one in found]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_no_page_scrolls_sideways_or_is_refused_anything(
    browser: Any, live_server: Any, acme: Tenant, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    let_in(context, acme.admin, live_server.url)
    window = context.new_page()
    refused: list[str] = []
    window.on(
        "console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None
    )
    whole = pages(acme)
    wide = too_wide(window, live_server.url, whole)
    context.close()
    assert len(whole) >= 6
    assert wide == []
    assert refused == []


@pytest.mark.parametrize("width", [390, 1024])
def test_names_of_a_hundred_letters_stay_within_the_page(
    browser: Any, live_server: Any, acme: Tenant, width: int
) -> None:
    long = "W" * 110
    Module.objects.update(name=long, title=long, place=long * 2)
    Lead.objects.update(name=long, source=long, medium=long, phone="9" * 30)
    RemoteCalendar.objects.update(name=long * 2)
    RemoteKey.objects.update(label=f"{long}@{long}.example", trouble=long)
    Holiday.objects.update(title=long)
    PublicHolidays.objects.update(left_out=[long])
    AppointmentKind.objects.update(place=long * 2, place_kind="video", enabled=True)
    for model in (AppointmentKind, Company, Schedule, StaffMember, User):
        model.objects.update(name=long)  # type: ignore[attr-defined]
    context = browser.new_context(viewport={"width": width, "height": 900})
    let_in(context, acme.admin, live_server.url)
    public = f"/book/{acme.slug}/{acme.module.slug}"
    wide = too_wide(context.new_page(), live_server.url, [*pages(acme), public])
    context.close()
    assert wide == []


def too_wide(window: Any, url: str, paths: list[str]) -> list[str]:
    """The pages that scroll sideways, and by how much."""
    found = []
    for path in paths:
        window.goto(url + path)
        root = "document.documentElement"
        beyond = window.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        if beyond > 0:
            found.append(f"{path}: {beyond} px")
    return found


def test_hours_are_edited_with_added_and_removed_ranges(page: Any, live_server: Any, acme: Tenant) -> None:
    let_in(page.context, acme.admin, live_server.url)
    page.goto(f"{live_server.url}/company/{acme.slug}/schedules/{acme.schedule.pk}")
    unsaved = page.get_by_text("Unsaved changes")
    assert not unsaved.is_visible()

    saturday = page.get_by_role("group", name="Saturday")
    assert saturday.get_by_text("closed", exact=True).is_visible()
    saturday.get_by_role("button", name="Add hours on Saturday").click()
    saturday.get_by_label("Saturday opens").last.fill("20:00")
    saturday.get_by_label("Saturday closes").last.fill("02:00")
    assert saturday.get_by_text("closes the next day").is_visible()
    assert not saturday.get_by_text("closed", exact=True).is_visible()
    assert unsaved.is_visible()

    page.get_by_role("group", name="Monday").get_by_role("button", name="Remove this range").first.click()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“Acme hours” was saved.").wait_for()
    assert not unsaved.is_visible()
    assert hours(acme, 5) == ["20:00–02:00"]
    assert hours(acme, 0) == []


def test_hours_are_edited_without_script(browser: Any, live_server: Any, acme: Tenant) -> None:
    context = browser.new_context(java_script_enabled=False)
    window = context.new_page()
    window.goto(f"{live_server.url}/login?next=/company/{acme.slug}/schedules/{acme.schedule.pk}")
    window.get_by_label("E-mail").fill(acme.admin.email)
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Log in").click()
    window.get_by_label("Sunday opens").last.fill("10:00")
    window.get_by_label("Sunday closes").last.fill("14:00")
    window.get_by_role("button", name="Save").click()
    window.get_by_text("“Acme hours” was saved.").wait_for()
    context.close()
    assert hours(acme, 6) == ["10:00–14:00"]
    assert hours(acme, 0) == ["09:00–17:00"]


def test_the_company_is_switched_by_keyboard(page: Any, live_server: Any, acme: Tenant) -> None:
    bravo = tenant("Bravo", acme.company.agency)
    agent = person(Role.AGENCY_ADMIN, acme.company.agency, email="agent@acme.example")
    let_in(page.context, agent, live_server.url)
    page.goto(f"{live_server.url}/company/{acme.slug}/apps")
    page.get_by_text("Switch company").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/company/{bravo.slug}/**")


def test_a_menu_opens_on_a_phone(browser: Any, live_server: Any, acme: Tenant) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    let_in(context, acme.admin, live_server.url)
    window = context.new_page()
    window.goto(f"{live_server.url}/company/{acme.slug}/apps")
    link = window.get_by_role("link", name="Availability")
    assert not link.is_visible()
    window.get_by_text("Menu", exact=True).click()
    assert link.is_visible()
    context.close()


def test_what_destroys_asks_first_and_can_be_left(page: Any, live_server: Any, acme: Tenant) -> None:
    spare = type(acme.schedule).objects.create(company=acme.company, name="Spare", zone="UTC")
    let_in(page.context, acme.admin, live_server.url)
    page.goto(f"{live_server.url}/company/{acme.slug}/schedules/{spare.pk}")
    page.get_by_role("button", name="Delete schedule").click()
    dialog = page.get_by_role("dialog", name="Delete this schedule?")
    dialog.get_by_role("button", name="Keep it").click()
    assert not dialog.is_visible()
    page.get_by_role("button", name="Delete schedule").click()
    dialog.get_by_role("button", name="Delete schedule").click()
    page.get_by_text("“Spare” was deleted.").wait_for()


AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_any_page(
    browser: Any, live_server: Any, acme: Tenant, scheme: str
) -> None:
    """WCAG 2.2 A and AA, as far as a program can tell (https://github.com/dequelabs/axe-core).

    Also where somebody has to decide, choose a person, or look at what will be sent.
    """
    assert AXE.exists(), "axe-core is missing: run `npm ci`"
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    window = context.new_page()
    wrong = []
    window.goto(f"{live_server.url}/login")
    wrong += judged(window, "/login")
    let_in(context, acme.admin, live_server.url)
    AppointmentKind.objects.update(enabled=True)
    Module.objects.update(assignment="visitor_chooses")
    EventLink.objects.update(state="held", held_at=acme.appointment.created_at, incident=acme.incident)
    Incident.objects.update(decision="")
    Change.objects.update(lost=True, field="title", new="Another title")
    handed = f"/company/{acme.slug}/appointments/{acme.appointment.pk}/hand-over?staff={acme.staff.pk}"
    month = f"/book/{acme.slug}/{acme.module.slug}?kind={acme.kind.slug}"
    for path in ["/companies", *pages(acme), "/connections", handed, month]:
        window.goto(live_server.url + path)
        wrong += judged(window, path)
    EventLink.objects.update(state="ended")
    Connection.objects.update(state="ended")
    window.goto(f"{live_server.url}/company/{acme.slug}/apps/{acme.module.slug}/calendar")
    window.get_by_role("button", name="Use This Key").click()
    window.get_by_text("writes 1 appointment").wait_for()
    wrong += judged(window, "before Connect Calendar")
    context.close()
    assert wrong == []


def judged(window: Any, path: str) -> list[str]:
    """What axe complains about on the page now open: rule and the element it points at.

    FullCalendar's grid is left out: its scrolling part cannot take the focus inside a table of role grid;
    the Leads list and the agenda say the same to keyboards and screen readers.
    """
    window.evaluate(AXE.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = window.evaluate("tags => axe.run({ exclude: ['.fc-view-harness'] }, { runOnly: tags })", tags)
    return [
        f"{path}: {rule['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def pages(acme: Tenant) -> list[str]:
    """The whole pages below the company's address."""
    client = Client()
    client.force_login(acme.admin)
    paths = [address.path(acme) for address in of_companies()]
    answers = [(path, client.get(path)) for path in paths]
    return [
        path
        for path, answer in answers
        if answer.status_code == 200 and b"<html" in getattr(answer, "content", b"")
    ]
