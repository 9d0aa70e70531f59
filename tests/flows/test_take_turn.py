"""Limits of the public pages: exact under a rush, apart for each company, and nobody's address is kept."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from tests.booking_scene import NOW, Shop, ny, shop

from genie.core.limits import limits_of
from genie.flows import actor
from genie.flows.book import SlotTaken, book
from genie.flows.cancel import cancel
from genie.flows.forget_tries import forget_tries
from genie.flows.reschedule import reschedule
from genie.flows.take_turn import Act, Of, TooMany, Visitor
from genie.store.models import Appointment, Lead, LoginTry, Message, Turn

NINE, TEN, ELEVEN = (f"2026-03-02T{hour}:00" for hour in ("09", "10", "11"))
ANYBODY = Visitor(address="192.0.2.7")
LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def acme(db: None) -> Shop:
    return shop(capacity=20)


def go(where: Shop, visitor: Visitor, start: str = NINE, *, now: datetime = NOW, **form: str) -> Appointment:
    return book(
        module_id=where.module.id, start=ny(start), answers=where.form(**form), now=now, visitor=visitor
    )


def refused(act: Act, of: Of, wait: timedelta | None, work) -> None:
    with pytest.raises(TooMany) as fault:
        work()
    assert (fault.value.act, fault.value.of, fault.value.wait) == (act, of, wait)


def test_one_address_books_so_often_and_then_waits(acme):
    visitor = replace(ANYBODY, per_address=limits_of(["2/10m"]))
    go(acme, visitor, email="a@x.example")
    go(acme, visitor, email="b@x.example", now=NOW + timedelta(minutes=1))
    soon = NOW + timedelta(minutes=4)
    left = timedelta(minutes=6)
    refused(Act.BOOKING, Of.ADDRESS, left, lambda: go(acme, visitor, email="c@x.example", now=soon))
    assert Appointment.objects.count() == Lead.objects.count() == 2
    go(acme, replace(visitor, address="192.0.2.8"), email="d@x.example", now=soon)
    go(acme, visitor, email="c@x.example", now=LATER)


def test_one_mail_address_is_used_so_often_from_anywhere(acme):
    """Else anybody could have us write to a stranger all day."""
    visitor = replace(ANYBODY, per_email=limits_of(["2/1d"]))
    for number in range(2):
        go(acme, replace(visitor, address=f"192.0.2.{number}"))
    elsewhere = replace(visitor, address="198.51.100.1")
    refused(
        Act.BOOKING, Of.EMAIL, timedelta(days=1), lambda: go(acme, elsewhere, email=" ANN@customer.example")
    )
    go(acme, elsewhere, email="other@customer.example")


def test_what_was_cancelled_still_counts(acme):
    visitor = replace(ANYBODY, per_email=limits_of(["2/1d"]))
    for _ in range(2):
        made = go(acme, visitor)
        cancel(company_id=acme.company.id, appointment_id=made.id, actor=actor.customer("Ann"), now=NOW)
    refused(Act.BOOKING, Of.EMAIL, timedelta(days=1), lambda: go(acme, visitor))


def test_an_address_that_is_not_known_is_nobodys_limit(acme):
    visitor = Visitor(address="", per_address=limits_of(["1/1d"]))
    for number in range(3):
        go(acme, visitor, email=f"{number}@x.example")


def test_so_many_appointments_lie_ahead_of_one_mail_address(acme):
    visitor = replace(ANYBODY, ahead=2)
    acme.put("2026-02-23T09:00", state="confirmed")  # over, and somebody else's
    first = go(acme, visitor)
    go(acme, visitor, TEN, email="Ann@Customer.example")
    refused(Act.BOOKING, Of.EMAIL, None, lambda: go(acme, visitor, ELEVEN))
    go(acme, visitor, ELEVEN, email="bob@customer.example")
    cancel(company_id=acme.company.id, appointment_id=first.id, actor=actor.customer("Ann"), now=NOW)
    go(acme, visitor, ELEVEN)
    refused(Act.BOOKING, Of.EMAIL, None, lambda: go(acme, visitor))
    after = ny(ELEVEN) + timedelta(hours=2)
    go(acme, visitor, "2026-03-03T09:00", now=after)


def test_a_slot_that_was_not_got_costs_nothing(acme):
    visitor = replace(ANYBODY, per_address=limits_of(["1/1d"]), per_email=limits_of(["1/1d"]))
    for _ in range(3):
        with pytest.raises(SlotTaken):
            go(acme, visitor, "2026-03-02T09:30")
    assert not Turn.objects.exists()
    go(acme, visitor)


def test_a_form_sent_twice_is_one_turn_and_never_too_many(acme):
    visitor = replace(ANYBODY, per_address=limits_of(["1/1d"]), ahead=1)
    form = acme.form()
    for _ in range(3):
        made = book(module_id=acme.module.id, start=ny(NINE), answers=form, now=NOW, visitor=visitor)
        assert made.id == form.key
    assert Turn.objects.count() == 1


def test_whoever_is_no_stranger_is_not_counted(acme):
    for _ in range(4):
        acme.book(NINE)
    assert not Turn.objects.exists()


def test_companies_do_not_count_each_others_visitors(acme):
    other = shop("other")
    visitor = replace(ANYBODY, per_address=limits_of(["1/1d"]), per_email=limits_of(["1/1d"]), ahead=1)
    go(acme, visitor)
    go(other, visitor)
    refused(Act.BOOKING, Of.EMAIL, timedelta(days=1), lambda: go(acme, visitor, TEN))


def move(appointment: Appointment, start: str, visitor: Visitor | None) -> Appointment:
    return reschedule(
        company_id=appointment.company_id,
        appointment_id=appointment.id,
        start=ny(start),
        actor=actor.customer("Ann"),
        now=NOW,
        visitor=visitor,
    )


@pytest.mark.parametrize(("rule", "of"), [("per_address", Of.ADDRESS), ("per_email", Of.EMAIL)])
def test_moving_is_counted_apart_from_booking(acme, rule, of):
    visitor = replace(ANYBODY, **{rule: limits_of(["2/1d"])})
    made = go(acme, visitor)
    go(acme, visitor, TEN)
    move(made, TEN, visitor)
    with pytest.raises(SlotTaken):
        move(made, "2026-03-02T09:30", visitor)
    move(made, ELEVEN, visitor)
    refused(Act.CHANGE, of, timedelta(days=1), lambda: move(made, NINE, visitor))
    made.refresh_from_db()
    assert (made.start, made.revision) == (ny(ELEVEN), 3)
    assert Message.objects.filter(appointment=made, audience="customer", kind="rescheduled").count() == 2
    move(made, NINE, None)


def test_nobodys_address_is_kept(acme):
    go(acme, replace(ANYBODY, per_address=limits_of(["9/1d"]), per_email=limits_of(["9/1d"])))
    kept = [f"{turn.whose}" for turn in Turn.objects.all()]
    assert len(set(kept)) == 2
    assert all(len(key) == 64 and "192.0.2" not in key and "ann" not in key for key in kept)


def test_the_hashes_are_this_installations_own(acme, settings):
    visitor = replace(ANYBODY, per_address=limits_of(["9/1d"]))
    for secret in ("one", "another"):
        settings.SECRET_KEY = secret
        go(acme, visitor)
    assert len(set(Turn.objects.values_list("whose", flat=True))) == 2


def test_what_no_limit_asks_for_any_more_is_forgotten(acme):
    visitor = replace(ANYBODY, per_address=limits_of(["9/1d"]))
    day = timedelta(days=1)
    go(acme, visitor)
    go(acme, visitor, now=NOW + timedelta(hours=2))
    for when in (NOW, NOW + timedelta(hours=2)):
        LoginTry.objects.create(account="x", address="y", at=when)
    forget_tries(longest=day, now=NOW + day + timedelta(hours=1))
    assert Turn.objects.count() == LoginTry.objects.count() == 1


def rush(where: Shop, visitors: list[Visitor], starts: list[str], emails: list[str]) -> Counter[str]:
    """All at once, each on a connection of its own."""
    gate = threading.Barrier(10)

    def one(number: int) -> str:
        pick = {"start": starts[number % len(starts)], "email": emails[number % len(emails)]}
        try:
            gate.wait(timeout=30)
            go(where, visitors[number % len(visitors)], **pick)
        except TooMany as fault:
            return fault.of
        except SlotTaken:
            return "taken"
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(10) as pool:
        return Counter(pool.map(one, range(30)))


@pytest.mark.django_db(transaction=True)
def test_parallel_bookings_from_one_address_cannot_pass_together():
    visitor = replace(ANYBODY, per_address=limits_of(["4/10m"]))
    emails = [f"{number}@x.example" for number in range(30)]
    assert rush(shop(capacity=20), [visitor], [NINE, TEN], emails) == {"booked": 4, Of.ADDRESS: 26}
    assert Appointment.objects.count() == Turn.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_nor_over_two_modules_of_the_company():
    acme = shop(capacity=20)
    twin = Shop(acme.company, acme.schedule, acme.module)
    twin.module = type(acme.module).objects.get(pk=acme.module.pk)
    twin.module.pk, twin.module.slug = None, "twin"
    twin.module.save()
    visitor = replace(ANYBODY, per_address=limits_of(["4/10m"]))
    gate = threading.Barrier(10)

    def one(number: int) -> str:
        try:
            gate.wait(timeout=30)
            go((acme, twin)[number % 2], visitor, email=f"{number}@x.example")
        except TooMany:
            return "refused"
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(one, range(20))) == {"booked": 4, "refused": 16}


@pytest.mark.django_db(transaction=True)
def test_nor_for_one_mail_address_from_everywhere():
    visitors = [Visitor(address=f"192.0.2.{number}", ahead=3) for number in range(30)]
    outcome = rush(shop(capacity=20), visitors, [NINE, TEN], ["ann@x.example", "ANN@x.example"])
    assert outcome == {"booked": 3, Of.EMAIL: 27}
