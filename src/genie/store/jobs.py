"""Wake-ups, enqueued by name in the current transaction.

A job carries ids only and says *something may differ*; what is owed stands in rows (SYNC.md, *The queue
and its edges*). No queueing locks: "already queued" can lose a wake-up, and a swallowed conflict turns
COMMIT into ROLLBACK without an error. The connector is always Django's own connection: inside a worker a
plain `.defer()` would run outside our transaction.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

DRAIN = "genie.drain"
NUDGE = "genie.nudge"
DELIVER = "genie.deliver"

_queue = JobManager(DjangoConnector())


def _job(task: str, *, queue: str, arguments: dict[str, Any]) -> Job:
    return Job(queue=queue, lock=None, queueing_lock=None, task_name=task, task_kwargs=arguments)


def drain_of(calendar_id: int) -> Job:
    """For whoever enqueues several with one statement (`store.together`); else `wake_calendar`."""
    return _job(DRAIN, queue="calendars", arguments={"calendar_id": calendar_id})


def delivery_of(message_id: UUID) -> Job:
    """As `drain_of`; else `wake_message`."""
    return _job(DELIVER, queue="messages", arguments={"message_id": str(message_id)})


def wake_calendar(calendar_id: int) -> None:
    """A drain of this calendar should look at what is owed and what is stale."""
    _queue.defer_job(drain_of(calendar_id))


def nudge_later(calendar_id: int) -> None:
    """This calendar is to be nudged: its row was held when somebody came by who could not wait."""
    _queue.defer_job(_job(NUDGE, queue="calendars", arguments={"calendar_id": calendar_id}))


def wake_message(message_id: UUID) -> None:
    """This message is due."""
    _queue.defer_job(delivery_of(message_id))
