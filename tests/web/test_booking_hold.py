"""The hold of a slot whose form is open, over HTTP: how it comes to be, who is known again, what is said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from tests.booking_scene import Shop, shop
from tests.web.test_booking import ANN, DETAILS, PAGE, Page, fill_in, get, open_daily, send

from genie.store.models import Appointment, Hold

HOLD, RELEASE = PAGE + "/hold", PAGE + "/release"


@pytest.fixture
def acme(db: None) -> Shop:
    return open_daily(shop(horizon_days=30))


def ask(client: Client, form: Page, **more: str) -> Page:
    """What the page's script does when it opens."""
    return Page(client.post(HOLD, {**form.hidden, **more}))


def kept(client: Client) -> Page:
    """A form whose slot is held."""
    form = fill_in(client)
    assert "Kept for you until" in ask(client, form).text
    return form


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_at_the_form_holds_nothing(client, acme, method):
    form = fill_in(client)
    getattr(client, method)(f"{DETAILS}?at={form.value('at')}")
    getattr(client, method)(HOLD, {"at": form.value("at")})
    assert not Hold.objects.exists()
    assert "visitor" not in client.cookies


def test_the_hold_is_said_in_the_visitors_time(client, acme):
    form = fill_in(client, PAGE + "?zone=Asia/Tokyo")
    page = ask(client, form)
    made = Hold.objects.get()
    assert f"{made.start:%Y-%m-%dT%H:%M:%SZ}" == form.value("at")
    at_nine = made.expires_at + timedelta(hours=9)
    assert f"Kept for you until {at_nine:%H:%M}" in page.text
    assert 590 < int(page.html.split('data-kept="')[1].split('"')[0]) <= 600
    assert page.response["Cache-Control"] == "no-store"


def test_whoever_holds_it_sees_it_as_theirs_and_books_it(client, acme):
    form = kept(client)
    cookie = client.cookies["visitor"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/book")
    assert cookie.value not in str(Hold.objects.values())
    again = get(client, f"{DETAILS}?at={form.value('at')}")
    assert "Kept for you until" in again.text
    other = get(Client(), f"{DETAILS}?at={form.value('at')}")
    assert other.status == 409
    assert send(Client(), form, name="Rival", visitor="").status == 409
    assert send(client, form).status == 302
    assert Appointment.objects.get().lead.name == "Ann Lee"
    assert not Hold.objects.exists()


def test_without_cookies_the_form_itself_says_who_it_is(acme):
    form = fill_in(Client())
    part = ask(Client(), form)
    token = part.hidden["visitor"]
    assert token == form.hidden["visitor"] and 'form="details"' in part.html
    assert send(Client(), form, visitor="").status == 409
    page = send(Client(), form, email="")
    assert page.status == 422
    assert "Kept for you until" in page.text and page.hidden["visitor"] == token
    assert send(Client(), page).status == 302
    assert not Hold.objects.exists()


def test_who_books_before_the_answer_to_the_hold_arrived_is_no_stranger_to_it(acme):
    form = fill_in(Client())
    ask(Client(), form)  # held, but neither cookie nor form heard of it
    assert Hold.objects.count() == 1
    assert send(Client(), form).status == 302
    assert not Hold.objects.exists()
    assert "Somebody else has taken this time" in ask(Client(), form).text, (
        "the hold asked for comes too late"
    )
    assert Appointment.objects.count() == 1


def test_whoever_looks_anew_has_another_name(acme):
    names = {fill_in(Client()).hidden["visitor"] for _ in range(2)}
    assert len(names) == 2


@pytest.mark.parametrize("forged", ["", "x", "abc:def", "\x00", "y" * 9000])
def test_a_name_that_we_did_not_give_is_nobodys(client, acme, forged):
    form = kept(client)
    other = Client()
    other.cookies["visitor"] = "abc:def"
    assert send(other, form, visitor=forged).status == 409
    part = ask(other, form, visitor=forged)
    assert "Somebody else has taken this time" in part.text
    assert Hold.objects.count() == 1


def test_a_slot_that_somebody_else_holds_is_said_and_the_form_still_works(client, acme):
    rival, form = Client(), fill_in(client)
    kept(rival)
    part = ask(client, form)
    assert part.status == 200
    assert "Somebody else has taken this time, or is about to" in part.text
    Hold.objects.all().delete()
    assert send(client, form).status == 302


def test_where_no_more_may_be_held_nothing_is_said_and_the_form_works(client, acme, settings):
    settings.GENIE_HOLDS_PER_ADDRESS = 1
    kept(Client())
    page = get(client, PAGE)
    form = get(client, page.slots[0])
    part = ask(client, form)
    assert (part.status, part.html) == (204, "")
    assert send(client, form).status == 302


def test_after_it_expired_the_form_books_or_says_what_is_free_and_keeps_what_was_typed(client, acme):
    form = kept(client)
    Hold.objects.update(expires_at=Hold.objects.get().expires_at - timedelta(minutes=10))
    rival = fill_in(Client())
    assert rival.value("at") == form.value("at")
    assert send(Client(), rival).status == 302
    page = send(client, form, notes="window seat")
    assert page.status == 409
    assert "has just been taken" in page.text and "window seat" in page.html
    assert send(client, page, at=page.html.split('name="at" value="')[1].split('"')[0]).status == 302


def test_leaving_the_page_gives_it_back(client, acme):
    form = kept(client)
    assert Client().post(RELEASE, {**form.hidden, "visitor": ""}).status_code == 204
    assert Hold.objects.count() == 1, "not to be given back by others"
    assert client.post(RELEASE, {**form.hidden, "at": "\x00"}).status_code == 204
    assert client.post(RELEASE, form.hidden).status_code == 204
    assert not Hold.objects.exists()


@pytest.mark.parametrize("at", ["", "soon", "\x00", "9999-12-31T23:59:59Z"])
def test_what_cannot_be_read_holds_nothing(client, acme, at):
    part = Page(client.post(HOLD, {"at": at}))
    assert part.status in (200, 204)
    assert not Hold.objects.exists()


def test_a_module_that_is_not_there_holds_nothing(client, acme):
    for path in ("/book/acme/nothing/hold", "/book/nobody/tour/hold"):
        assert client.post(path, {"at": "2026-03-02T10:00:00Z"}).status_code == 404
    assert client.post("/book/nobody/tour/release").status_code == 204


@pytest.mark.parametrize("path", [HOLD, RELEASE])
def test_other_sites_cannot_hold_for_a_visitor(acme, path):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(path, ANN).status_code == 403
