"""What a wake-up does. Sync tasks, so that no blocked event loop looks like a dead worker."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from genie.core.limits import longest
from genie.flows.deliver import deliver
from genie.flows.drain import drain
from genie.flows.forget_counts import forget_counts
from genie.flows.forget_tries import forget_tries
from genie.flows.hold_slot import HoldLimits
from genie.flows.nudge import nudge
from genie.flows.recognise import recognise
from genie.flows.renew_public_holidays import renew_public_holidays
from genie.flows.sweep import sweep
from genie.flows.wired import mail_sender, provider_settings
from genie.providers.registry import pushing
from genie.store import jobs
from genie.store.record_file import doubt_there

log = logging.getLogger(__name__)

ROUNDS = 50
"""No drain goes on for ever; what is left is found by the next sweep."""
STALLED_AFTER = 10.0
"""Seconds without a heartbeat until a worker counts as dead and its jobs are run again."""
THOROUGH_EVERY = 15
"""Seconds between two sweeps that also look for what a crash left behind."""
KEEP_FAILED_HOURS = 72


RECOGNISE_EVERY = 60.0
"""Seconds until the database is compared again with its record."""


@app.task(name=jobs.DRAIN, queue="calendars")
def drain_calendar(*, calendar_id: int) -> None:
    if is_paused():
        return  # the first sweep afterwards finds what is due
    for _ in range(ROUNDS):
        if not drain(calendar_id=calendar_id, settings=provider_settings(), now=timezone.now()):
            return


@app.task(name=jobs.NUDGE, queue="calendars")
def nudge_calendar(*, calendar_id: int) -> None:
    nudge(calendar_id=calendar_id, now=timezone.now())


@app.task(name=jobs.DELIVER, queue="messages")
def deliver_message(*, message_id: str) -> None:
    if is_paused():
        return
    deliver(message_id=UUID(message_id), sender=mail_sender(), now=timezone.now())


@app.periodic(cron="* * * * * *")  # every second; the sixth field is the seconds
@app.task(name="genie.sweep", queue="sweeps")
def sweep_all(timestamp: int) -> None:
    if is_paused():
        return
    thorough = timestamp % THOROUGH_EVERY == 0
    sweep(now=timezone.now(), thorough=thorough, addresses=pushing(provider_settings()))


def is_paused() -> bool:
    """Is the database perhaps not this installation's own, so that nothing may leave (decision 0093)?

    Looked at before anything else in each process, and then every minute.
    """
    file: str = settings.GENIE_INSTALLATION_FILE
    if not file:
        return False
    _recognised(file, int(monotonic() // RECOGNISE_EVERY))
    return doubt_there(file) is not None


@lru_cache(maxsize=1)
def _recognised(file: str, _minute: int) -> None:
    recognise(file=Path(file), now=timezone.now())


@app.periodic(cron="* * * * * */5")
@app.task(name="genie.rescue", queue="sweeps", pass_context=True)
async def rescue_stalled(context: JobContext, timestamp: int) -> None:
    """A killed worker's job stays `doing` for ever otherwise. One by one, each in its own try."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
        try:
            await manager.retry_job(job)
        except Exception:
            log.exception("job %s could not be taken back", job.id)


@app.periodic(cron="17 * * * *")
@app.task(name="genie.clean_queue", queue="sweeps", pass_context=True)
async def clean_queue(context: JobContext, timestamp: int) -> None:
    """Finished jobs are kept for ever by default, and a long table makes fetching slow."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


@app.periodic(cron="37 * * * *")
@app.task(name="genie.forget", queue="sweeps")
def forget(timestamp: int) -> None:
    """Who booked, held, or failed to log in, how often: as long as a limit looks back; old counts."""
    holds = HoldLimits(at_once=settings.GENIE_HOLDS_PER_ADDRESS).pace
    limits = [*settings.GENIE_LIMITS_PER_ADDRESS, *settings.GENIE_LIMITS_PER_EMAIL, *holds]
    forget_tries(longest=longest(limits), now=timezone.now())
    forget_counts(now=timezone.now())


@app.periodic(cron="47 3 * * *")
@app.task(name="genie.renew_public_holidays", queue="sweeps")
def renew_holidays(timestamp: int) -> None:
    """The library may have learnt of a date since; and each year begins one that is not kept yet."""
    renew_public_holidays(now=timezone.now())
