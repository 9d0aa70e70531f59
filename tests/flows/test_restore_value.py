"""A value that lost a conflict is taken up again: once, on both sides, and told as any change is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.sync_scene import MONDAY, Scene, at, stage

from genie.core.appointment import NotPossible
from genie.flows import actor
from genie.flows.amend import Overtaken
from genie.flows.cancel import cancel
from genie.flows.claim import SlotTaken
from genie.flows.edit import edit
from genie.flows.reschedule import OUTSIDE_RULES, reschedule
from genie.flows.restore_value import NotRestorable, restore_value, when_of
from genie.store.models import Appointment, Change, EventLink, Message, Module

pytestmark = pytest.mark.django_db
ADA = actor.Actor(Change.Origin.PERSON, "Ada")


@pytest.fixture
def scene() -> Scene:
    return stage(capacity=1)


def restored(scene: Scene, lost: Change, **more: Any) -> Appointment:
    return restore_value(
        company_id=scene.module.company_id,
        appointment_id=lost.appointment_id,
        change_id=lost.pk,
        actor=ADA,
        now=scene.now,
        **more,
    )


def kept(scene: Scene, field: str, new: str) -> Change:
    """A lost line of a visit at nine."""
    return Change.objects.create(
        appointment=Appointment.objects.first() or scene.booked(),
        at=scene.now,
        revision=1,
        field=field,
        new=new,
        origin="calendar",
        by="Work",
        lost=True,
    )


def spanned(hours: float, *, length: timedelta = timedelta(hours=1)) -> str:
    start = at(hours).start
    return f"{start.isoformat()}/{(start + length).isoformat()}"


def test_a_title_that_lost_goes_to_the_calendar_after_all(scene: Scene) -> None:
    visit = scene.booked()
    scene.owner.edit("work", scene.link(visit).remote_id, title="Theirs")
    edit(company_id=visit.company_id, appointment_id=visit.id, title="Ours", actor=ADA, now=scene.now)
    scene.drain()
    lost = Change.objects.get(lost=True)
    assert lost.new == "Ours"
    scene.poll()
    assert restored(scene, lost).title == "Ours"
    line = Change.objects.get(restores=lost)
    assert (line.field, line.old, line.new, line.by, line.lost) == ("title", "Theirs", "Ours", "Ada", False)
    assert scene.link(visit).state == EventLink.State.OWES_PUSH
    scene.poll()
    assert [event.content.title for event in scene.owner.events("work")] == ["Ours"]
    assert not Message.objects.filter(kind="rescheduled").exists()


def test_a_time_that_lost_is_a_reschedule_and_the_customer_is_told_once(scene: Scene) -> None:
    visit = scene.booked()
    Module.objects.update(conflict_rule="dashboard_wins")
    scene.owner.move("work", scene.link(visit).remote_id, at(5))
    move = {"company_id": visit.company_id, "appointment_id": visit.id, "actor": ADA, "now": scene.now}
    reschedule(start=at(3).start, **move)
    scene.drain()
    Message.objects.update(state="sent", sent_at=scene.now)
    lost = Change.objects.get(lost=True)
    assert restored(scene, lost).start == at(5).start
    scene.poll()
    assert [event.content.when for event in scene.owner.events("work")] == [at(5)]
    told = Message.objects.filter(state="owed", audience="customer")
    assert [one.kind for one in told] == ["rescheduled"]


def test_it_is_used_once(scene: Scene) -> None:
    lost = kept(scene, "title", "Theirs")
    restored(scene, lost)
    with pytest.raises(NotRestorable, match="used already"):
        restored(scene, lost)
    assert Change.objects.filter(restores=lost).count() == 1
    assert Appointment.objects.get().revision == 2


def test_a_time_outside_the_rules_needs_to_be_forced_and_is_flagged(scene: Scene) -> None:
    scene.book(at(4).start, name="Bob")
    lost = kept(scene, "when", spanned(4))
    assert lost.appointment.start == at(4).start
    lost.new = spanned(11, length=timedelta(minutes=30))
    lost.save()
    with pytest.raises(SlotTaken):
        restored(scene, lost)
    assert not Change.objects.filter(restores=lost).exists()
    moved = restored(scene, lost, force=True)
    assert (moved.start, moved.end - moved.start) == (at(11).start, timedelta(minutes=30))
    assert moved.attention == OUTSIDE_RULES
    assert Change.objects.get(restores=lost).field == "when"


@pytest.mark.parametrize(
    ("field", "new"),
    [
        ("when", ""),
        ("when", "2026-03-02T09:00:00+00:00"),
        ("when", "2026-03-02T09:00:00/2026-03-02T10:00:00"),
        ("when", "2026-03-02T09:00:00+00:00/2026-03-02T09:00:00+00:00"),
        ("when", "2026-03-02T10:00:00+00:00/2026-03-02T09:00:00+00:00"),
        ("when", "2026-03-02T00:00:00+00:00/2026-03-03T00:00:00+00:00"),
        ("when", "0001-01-01T00:00:00+14:00/0001-01-01T01:00:00+14:00"),
        ("when", "2026-03-02T09:00:00+00:00/2026-03-02T10:00:00+00:00/2026-03-02T11:00:00+00:00"),
        ("title", ""),
        ("title", " \t "),
        ("title", "Visit: Jane Doe"),
        ("state", "cancelled"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(scene: Scene, field: str, new: str) -> None:
    with pytest.raises(NotRestorable):
        restored(scene, kept(scene, field, new), force=True)
    assert Appointment.objects.get().revision == 1


def test_an_empty_text_is_a_value_too(scene: Scene) -> None:
    visit = scene.booked()
    edit(company_id=visit.company_id, appointment_id=visit.id, place="Room 2", actor=ADA, now=scene.now)
    assert restored(scene, kept(scene, "place", "")).place == ""


def test_another_line_another_appointment_or_another_company_has_nothing_to_restore(scene: Scene) -> None:
    lost = kept(scene, "title", "Theirs")
    taken = lost.appointment.history.get(field="booked")
    with pytest.raises(Change.DoesNotExist):
        restored(scene, taken)
    elsewhere = {"company_id": scene.module.company_id, "actor": ADA, "now": scene.now}
    with pytest.raises(Change.DoesNotExist):
        restore_value(appointment_id=scene.booked(2, name="Bob").id, change_id=lost.pk, **elsewhere)
    with pytest.raises(Appointment.DoesNotExist):
        restore_value(
            appointment_id=lost.appointment_id,
            change_id=lost.pk,
            **{**elsewhere, "company_id": stage().module.company_id},
        )


def test_who_was_overtaken_or_is_too_late_restores_nothing(scene: Scene) -> None:
    lost = kept(scene, "title", "Theirs")
    with pytest.raises(Overtaken):
        restored(scene, lost, seen_revision=9)
    visit = lost.appointment
    cancel(company_id=visit.company_id, appointment_id=visit.id, actor=ADA, now=scene.now)
    for field, new in (("title", "Theirs"), ("when", spanned(5))):
        with pytest.raises(NotPossible):
            restored(scene, kept(scene, field, new), force=True)


def test_a_span_is_read_strictly() -> None:
    found = when_of(f"{MONDAY.isoformat()}/2026-03-02T11:30:00+01:00", "UTC")
    assert found is not None
    assert (found.start, found.end) == (MONDAY, datetime(2026, 3, 2, 10, 30, tzinfo=UTC))
    assert when_of("tomorrow/later", "UTC") is None
