"""A restored backup, a copy, a move: nothing is sent until a person has said which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from tests.backup import Backup, backup
from tests.sync_scene import Scene, stage

from genie.core.appointment import State
from genie.core.recognition import Doubt
from genie.flows.actor import SYSTEM
from genie.flows.amend import Wanted, amend
from genie.flows.answer_doubt import Answer, answer_doubt
from genie.flows.notify import notify
from genie.flows.recognise import recognise
from genie.store.models import (
    Appointment,
    Connection,
    Installation,
    Message,
    Module,
    RemoteCalendar,
    RemoteKey,
)
from genie.store.record_file import doubt_there, read_record
from genie.worker import tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "installation.json"


@pytest.fixture
def scene() -> Scene:
    return stage()


@pytest.fixture
def saved(scene: Scene, file: Path) -> Iterator[Backup]:
    """Two visits on the calendar, the installation known, and a backup of that."""
    scene.booked(0, name="Ann")
    scene.booked(3, name="Ben")
    assert recognise(file=file, now=scene.now) is None
    with backup() as made:
        yield made


def visit(name: str) -> Appointment:
    return Appointment.objects.get(lead__name=name)


def letters() -> list[str]:
    """What is owed to customers."""
    owed = Message.objects.filter(state=Message.State.OWED, audience=Message.Audience.CUSTOMER)
    return sorted(owed.values_list("kind", flat=True))


def book(scene: Scene, hours: float, name: str) -> None:
    """Like a visitor: with letters owed."""
    with transaction.atomic():
        made = scene.book(scene.at(hours).start, name=name)
        notify(appointment=made, kind=Message.Kind.BOOKED, now=scene.now)


def settled(scene: Scene) -> None:
    for _ in range(4):
        scene.poll()


def test_a_new_installation_is_written_down_and_known_again(scene: Scene, file: Path) -> None:
    scene.booked()
    for turn in (1, 2, 3):
        assert recognise(file=file, now=scene.now) is None
        record = read_record(file).record
        assert record and record.turn == turn == Installation.objects.get().turn
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_crash_between_the_two_writes_is_no_doubt(scene: Scene, file: Path) -> None:
    scene.booked()
    recognise(file=file, now=scene.now)
    Installation.objects.update(turn=2)
    assert recognise(file=file, now=scene.now) is None


def test_a_file_that_cannot_be_read_is_none(scene: Scene, file: Path) -> None:
    scene.booked()
    recognise(file=file, now=scene.now)
    for text in ("", "{", "[]", '{"installation": 3}', "\x00"):
        file.write_text(text)
        assert recognise(file=file, now=scene.now) == Doubt.NO_RECORD
        assert doubt_there(str(file)) == Doubt.NO_RECORD


def test_a_restored_backup_is_noticed_and_stays_so_until_somebody_answers(
    scene: Scene, file: Path, saved: Backup
) -> None:
    recognise(file=file, now=scene.now)
    saved.restore()
    assert recognise(file=file, now=scene.now) == Doubt.OLDER
    Installation.objects.update(turn=99)  # whatever becomes of the database
    assert recognise(file=file, now=scene.now) == Doubt.OLDER
    assert answer_doubt(file=file, answer=Answer.RESTORED, now=scene.now)
    assert recognise(file=file, now=scene.now) is None
    assert not answer_doubt(file=file, answer=Answer.COPY, now=scene.now), (
        "the second answer counts for nothing"
    )
    assert Connection.objects.get().state == Connection.State.LINKED


@pytest.mark.parametrize("rule", list(Module.InboundRule))
@pytest.mark.parametrize("conflict", list(Module.ConflictRule))
def test_after_a_restore_the_calendar_is_right_and_nobody_is_told(
    scene: Scene, file: Path, saved: Backup, rule: str, conflict: str
) -> None:
    """Since the backup Ann was rescheduled here, and Ben's visit was cancelled by deleting its event."""
    Module.objects.update(inbound_rule=rule, conflict_rule=conflict)
    saved.forget()
    since = Backup()
    moved = scene.at(1)
    ann = visit("Ann")
    amend(
        appointment_id=ann.id,
        company_id=scene.company.id,
        changes=Wanted(when=moved, forced=True),
        actor=SYSTEM,
        now=scene.now,
    )
    scene.drain()
    scene.owner.delete("work", scene.link(visit("Ben")).remote_id)
    before = {event.id: event.version for event in scene.owner.events("work")}
    recognise(file=file, now=scene.now)

    since.restore()
    assert visit("Ann").start == scene.at(0).start
    assert recognise(file=file, now=scene.now) == Doubt.OLDER
    answer_doubt(file=file, answer=Answer.RESTORED, now=scene.now)
    settled(scene)

    assert visit("Ann").start == moved.start
    assert visit("Ben").state == State.CANCELLED
    assert letters() == []
    assert {event.id: event.version for event in scene.owner.events("work")} == before, "nothing was written"
    assert RemoteCalendar.objects.get().quiet_since is None


def test_afterwards_customers_are_told_again(scene: Scene, file: Path, saved: Backup) -> None:
    recognise(file=file, now=scene.now)
    saved.restore()
    recognise(file=file, now=scene.now)
    answer_doubt(file=file, answer=Answer.RESTORED, now=scene.now)
    settled(scene)
    scene.owner.move("work", scene.link(visit("Ann")).remote_id, scene.at(2))
    settled(scene)
    assert visit("Ann").start == scene.at(2).start
    assert "rescheduled" in letters()


def test_many_changes_since_the_backup_are_not_held(scene: Scene, file: Path) -> None:
    for number in range(8):
        scene.booked(2 * number, name=f"Guest {number}")
    recognise(file=file, now=scene.now)
    with backup() as made:
        for event in list(scene.owner.events("work")):
            scene.owner.delete("work", event.id)
        recognise(file=file, now=scene.now)
        made.restore()
    recognise(file=file, now=scene.now)
    answer_doubt(file=file, answer=Answer.RESTORED, now=scene.now)
    settled(scene)
    assert set(Appointment.objects.values_list("state", flat=True)) == {State.CANCELLED}
    assert letters() == []


def test_letters_of_the_backup_are_dropped_and_those_of_who_booked_meanwhile_leave(
    scene: Scene, file: Path
) -> None:
    book(scene, 0, "Ann")
    recognise(file=file, now=scene.now)
    with backup() as made:
        recognise(file=file, now=scene.now)
        made.restore()
    scene.later(minutes=5)
    recognise(file=file, now=scene.now)
    scene.later(minutes=5)
    book(scene, 5, "Cleo")
    answer_doubt(file=file, answer=Answer.RESTORED, now=scene.now)
    owed = Message.objects.filter(state=Message.State.OWED)
    assert set(owed.values_list("appointment__lead__name", flat=True)) == {"Cleo"}


def test_a_copy_lets_go_of_every_calendar_without_a_request(scene: Scene, file: Path, saved: Backup) -> None:
    book(scene, 6, "Cleo")
    there = {event.id: event.version for event in scene.owner.events("work")}
    file.unlink()
    assert recognise(file=file, now=scene.now) == Doubt.NO_RECORD
    answer_doubt(file=file, answer=Answer.COPY, now=scene.now)
    scene.later(days=2)
    scene.drain()
    assert {event.id: event.version for event in scene.owner.events("work")} == there
    assert Connection.objects.get().state == Connection.State.ENDED
    assert RemoteKey.objects.get().state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert letters() == []
    assert visit("Ann").state == State.CONFIRMED
    assert recognise(file=file, now=scene.now) is None


def test_a_move_changes_nothing(scene: Scene, file: Path, saved: Backup, tmp_path: Path) -> None:
    book(scene, 6, "Cleo")
    owed = letters()
    (tmp_path / "new").mkdir()
    moved = file.rename(tmp_path / "new" / file.name)
    assert recognise(file=moved, now=scene.now) == Doubt.MOVED
    answer_doubt(file=moved, answer=Answer.MOVED, now=scene.now)
    assert recognise(file=moved, now=scene.now) is None
    assert letters() == owed
    scene.drain()
    assert len(scene.owner.events("work")) == 3


def test_two_on_one_database_are_noticed(scene: Scene, file: Path, saved: Backup, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    assert recognise(file=other, now=scene.now) == Doubt.NO_RECORD
    answer_doubt(file=other, answer=Answer.MOVED, now=scene.now)
    assert recognise(file=file, now=scene.now) == Doubt.ANOTHER


def test_while_in_doubt_no_wake_up_does_anything(
    scene: Scene, file: Path, saved: Backup, settings: Any
) -> None:
    settings.GENIE_INSTALLATION_FILE = str(file)
    tasks._recognised.cache_clear()
    assert not tasks.is_paused()
    recognise(file=file, now=scene.now)
    saved.restore()
    tasks._recognised.cache_clear()  # the next process, or the next minute
    book(scene, 6, "Cleo")
    calendar = RemoteCalendar.objects.get()
    tasks.drain_calendar(calendar_id=calendar.id)
    for message in Message.objects.filter(state=Message.State.OWED):
        tasks.deliver_message(message_id=str(message.id))
    assert tasks.is_paused()
    assert len(scene.owner.events("work")) == 2
    assert letters(), "still owed"
    answer_doubt(file=file, answer=Answer.MOVED, now=scene.now)
    assert not tasks.is_paused()
    tasks.drain_calendar(calendar_id=calendar.id)
    assert len(scene.owner.events("work")) == 3
