"""Remote calendars: keys, what is connected, the tie of each appointment, and the mirror of busy time."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from genie.store.models.appointment import Appointment
from genie.store.models.module import Module
from genie.store.models.staff import StaffMember
from genie.store.models.tenancy import Company, User


class RemoteKey(models.Model):
    """A remote authorization key: a company's grant to act on one account. `secret` is sealed."""

    class State(models.TextChoices):
        ACTIVE = "active", "active"
        NEEDS_REAUTHORIZATION = "needs_reauthorization", "needs re-authorization"

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="remote_keys")
    kind = models.CharField(max_length=20)  # a name in providers.registry
    identity = models.CharField(max_length=500)  # providers.port.Account.identity
    label = models.CharField(max_length=254)  # the account, as shown
    granted = models.CharField(max_length=500, blank=True)  # scopes or access, in words
    secret = models.BinaryField(editable=False)
    secret_version = models.PositiveIntegerField(default=1)  # compare-and-set for refreshes
    state = models.CharField(max_length=24, choices=State.choices, default=State.ACTIVE)
    trouble = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "kind", "identity"], name="remote_key_account_once")
        ]

    def __str__(self) -> str:
        return self.label


class RegistrationLink(models.Model):
    """A single-use link that produces a key. Found by the token's SHA-256; the token itself is encrypted."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="registration_links")
    kind = models.CharField(max_length=20)
    token_hash = models.CharField(max_length=64, unique=True)
    token_secret = models.BinaryField(editable=False)  # so that Copy works again while it is open
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)  # sign-ins tried; bounded against guessing
    key = models.ForeignKey(
        RemoteKey, null=True, on_delete=models.SET_NULL, related_name="registration_links"
    )
    """The key it made; or, while still open, the key it re-authorizes."""


class RemoteCalendar(models.Model):
    """One calendar of a key's account that we read or write: cursor, mirror, and what we know of it."""

    class State(models.TextChoices):
        OK = "ok", "ok"
        PARKED = "parked", "parked"  # cannot be read or written; `trouble` says why

    key = models.ForeignKey(RemoteKey, on_delete=models.CASCADE, related_name="calendars")
    remote_id = models.CharField(max_length=1000)
    name = models.CharField(max_length=250)
    color = models.CharField(max_length=20, blank=True)
    may_write = models.BooleanField(default=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OK)
    trouble = models.CharField(max_length=300, blank=True)

    cursor = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=0)  # compare-and-set of cursor and mirror
    window_start = models.DateTimeField(null=True)
    window_end = models.DateTimeField(null=True)
    full_read_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)  # the last successful read began then
    nudged_at = models.DateTimeField(null=True)  # none since the last read
    noticed_at = models.DateTimeField(null=True)  # the first of them; by a trigger, by the database's clock
    watched_at = models.DateTimeField(null=True)  # somebody had it, or an appointment of it, on screen
    next_attempt = models.DateTimeField(null=True)  # not before, after a fault
    attempts = models.PositiveSmallIntegerField(default=0)
    silence_told_at = models.DateTimeField(null=True)  # admins were told then that it cannot be read
    quiet_since = models.DateTimeField(null=True)  # a backup was restored: what comes in is told to nobody
    last_in_at = models.DateTimeField(null=True)  # a change there changed something here
    last_out_at = models.DateTimeField(null=True)  # something was written there

    push_refused_at = models.DateTimeField(null=True)  # cannot be watched, said the provider; polled
    push_trouble = models.CharField(max_length=300, blank=True)  # why there is no channel, when one was tried
    push_next_attempt = models.DateTimeField(null=True)  # no request about channels before
    push_attempts = models.PositiveSmallIntegerField(default=0)
    push_late_at = models.DateTimeField(null=True)  # a poll found what no message had told; none came since

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "remote_id"], name="remote_calendar_once")]

    def __str__(self) -> str:
        return self.name


class Channel(models.Model):
    """A provider's push subscription for one calendar, from asking for it to its end (SYNC.md, *Noticing*).

    The row is committed before the request, since the first message may be quicker than the answer. Of its
    token only the SHA-256 is kept: all there is to do with it is to compare. Messages of a channel without a
    row are unknown ones.
    """

    class State(models.TextChoices):
        ASKED = "asked", "asked for"
        OPEN = "open", "open"
        CLOSING = "closing", "to be stopped"

    calendar = models.ForeignKey(RemoteCalendar, on_delete=models.CASCADE, related_name="channels")
    channel_id = models.CharField(max_length=32, unique=True)  # ours: 32 hex digits
    remote_id = models.CharField(max_length=300, blank=True)  # the provider's, where it has one of its own
    resource = models.CharField(max_length=1000, blank=True)  # the provider's name of what is watched
    address = models.CharField(max_length=500)  # where it posts to
    token_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    made_at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True)  # its first message; not relied on before
    renew_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)  # by the provider's clock

    class Meta:
        indexes = [
            models.Index(fields=["remote_id"], condition=~Q(remote_id=""), name="channel_remote"),
            models.Index(fields=["token_hash"], condition=Q(state="asked"), name="channel_asked"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["calendar"], condition=Q(state="open"), name="channel_one_open")
        ]


class Connection(models.Model):
    """A module's linked calendar, from *Connect Calendar* to *Unlink Token*. At most one lives per module,
    or, where the module has a team, per module and staff member."""

    class State(models.TextChoices):
        LINKED = "linked", "linked"
        REMOVING = "removing", "removing copies"  # unlinking with removal: only deletions are pushed
        ENDED = "ended", "unlinked"

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="connections")
    staff = models.ForeignKey(StaffMember, null=True, on_delete=models.PROTECT, related_name="connections")
    calendar = models.ForeignKey(RemoteCalendar, on_delete=models.PROTECT, related_name="connections")
    state = models.CharField(max_length=12, choices=State.choices, default=State.LINKED)
    realtime = models.BooleanField(default=False)  # *Get real-time Calendar updates*
    epoch = models.PositiveIntegerField(default=1)  # bumped by unlink: every request re-reads it
    linked_at = models.DateTimeField()
    linked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["module"],
                condition=~Q(state="ended") & Q(staff__isnull=True),
                name="connection_one_lives",
            ),
            models.UniqueConstraint(
                fields=["module", "staff"],
                condition=~Q(state="ended") & Q(staff__isnull=False),
                name="connection_one_lives_each",
            ),
        ]

    @property
    def zone(self) -> str:
        """The IANA zone in which its times are said: of the person's schedule, or of the module's."""
        return self.staff.schedule.zone if self.staff else self.module.schedule.zone

    def __str__(self) -> str:
        """Whose calendar it is: *Main office*, *Main office · Maria*."""
        return f"{self.module.name} · {self.staff.name}" if self.staff else self.module.name


class Incident(models.Model):
    """So much was moved or deleted on a calendar at once that a person decides about it (decision 0090).

    What came in before it was noticed is applied, and its letters wait; what came after waits itself. Both
    point here (`EventLink.incident`) until it is decided and done.
    """

    class Decision(models.TextChoices):
        REALLY_CHANGED = "really_changed", "These were really changed"
        PUT_BACK = "put_back", "Put them back"
        LET_GO = "let_go", "let go"  # the calendar was unlinked, or nothing flows back any more

    calendar = models.ForeignKey(RemoteCalendar, on_delete=models.CASCADE, related_name="incidents")
    opened_at = models.DateTimeField()
    decision = models.CharField(max_length=16, choices=Decision.choices, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar"], condition=Q(decision=""), name="incident_one_open")
        ]


class EventLink(models.Model):
    """The tie between an appointment and its event, with the last agreed state (SYNC.md, *What is stored*).

    Owes a push while `pushed_revision < appointment.revision` or the event must go. `base` is the event as
    the provider last returned it (core.event.Fields JSON); `sent` is our own values at that agreement, never
    compared with what comes in. `asked_at` is set before a create leaves, so that a cancelled one is still
    looked for.
    """

    class State(models.TextChoices):
        CLEAN = "clean", "clean"
        OWES_PUSH = "owes_push", "waiting to be sent"
        PARKED = "parked", "needs a person"
        HELD = "held", "waits for a decision"  # moved or deleted there; not applied yet
        MISSING = "missing", "gone from the calendar"  # cancelled here; looked for until it counts
        ENDED = "ended", "ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # our key inside the event
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="links")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="links")
    calendar = models.ForeignKey(RemoteCalendar, on_delete=models.PROTECT, related_name="links")
    remote_id = models.CharField(max_length=1000, blank=True)
    uid = models.CharField(max_length=300, blank=True)
    generation = models.PositiveSmallIntegerField(default=1)
    etag = models.CharField(max_length=300, blank=True)
    stamp = models.DateTimeField(null=True)
    base = models.JSONField(null=True)
    sent = models.JSONField(null=True)
    asked = models.JSONField(default=list)  # Fields of writes whose outcome was not learned yet
    block = models.TextField(blank=True)  # our delimited part of the description, as last returned
    block_repaired_at = models.DateTimeField(null=True)
    pushed_revision = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)  # compare-and-set of this row
    state = models.CharField(max_length=12, choices=State.choices, default=State.OWES_PUSH)
    owed_at = models.DateTimeField(null=True)  # owes a push since; by a trigger, by the database's clock
    reason = models.CharField(max_length=300, blank=True)
    refused = models.CharField(max_length=300, blank=True)  # why it was put aside first, until it is in step
    asked_at = models.DateTimeField(null=True)
    former_id = models.CharField(max_length=1000, blank=True)  # linked again: its event until then
    taken = models.PositiveSmallIntegerField(default=0)  # identities in a row that were used up already
    declined_id = models.CharField(max_length=1000, blank=True)  # put back: it goes before it is made again
    adopts = models.BooleanField(default=False)  # linked again: what is found there is written over silently
    leaves = models.BooleanField(default=False, db_default=False)  # handed over: its event is to be deleted
    missing_since = models.DateTimeField(null=True)  # a disappearance waits before it counts
    recheck = models.PositiveSmallIntegerField(default=0)  # looks left for a create of unknown outcome
    next_attempt = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    stale_streak = models.PositiveSmallIntegerField(default=0)  # 412 in a row with unchanged content
    turns = models.JSONField(default=list, blank=True)  # whose writes alternated lately (flows.alternate)
    came_in_at = models.DateTimeField(null=True)  # a move or deletion made there was applied here last
    held_at = models.DateTimeField(null=True)  # one was not; also while something else is owed or put aside
    held_version = models.CharField(max_length=300, blank=True)  # as it was then; "": it was gone
    proposed_start = models.DateTimeField(null=True)  # the time it got there and has not here: held, or …
    proposed_end = models.DateTimeField(null=True)
    question_at = models.DateTimeField(null=True)  # … the customer is asked to accept it, since then
    answer_until = models.DateTimeField(null=True)  # then the appointment's own time stands
    incident = models.ForeignKey(Incident, null=True, on_delete=models.SET_NULL, related_name="links")

    class Meta:
        indexes = [
            models.Index(
                fields=["calendar", "next_attempt"],
                condition=Q(state="owes_push"),
                name="event_link_owed",
            ),
            models.Index(
                fields=["calendar", "came_in_at"],
                condition=Q(came_in_at__isnull=False),
                name="event_link_came_in",
            ),
            # few in a whole installation: slots and bookings look here, whatever the module
            models.Index(
                fields=["proposed_end"],
                condition=Q(proposed_start__isnull=False),
                name="event_link_proposed",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment"],
                condition=~Q(state="ended") & Q(leaves=False),
                name="event_link_one_lives",
            ),
            models.UniqueConstraint(
                fields=["calendar", "remote_id"],
                condition=~Q(remote_id="") & ~Q(state="ended"),
                name="event_link_remote_once",
            ),
            models.CheckConstraint(
                condition=Q(proposed_start=None, proposed_end=None, question_at=None, answer_until=None)
                | Q(proposed_end__gt=F("proposed_start"), question_at=None, answer_until=None)
                | Q(
                    proposed_end__gt=F("proposed_start"),
                    question_at__isnull=False,
                    answer_until__isnull=False,
                ),
                name="event_link_proposal_whole",
            ),
        ]


class RemoteObject(models.Model):
    """What was last seen of each event of a calendar: for the ETag fallback and the nightly diff."""

    calendar = models.ForeignKey(RemoteCalendar, on_delete=models.CASCADE, related_name="objects_seen")
    remote_id = models.CharField(max_length=1000)
    uid = models.CharField(max_length=300, blank=True)
    etag = models.CharField(max_length=300)
    problem = models.CharField(max_length=300, blank=True)  # malformed, too large …; shown, never lost

    class Meta:
        # the same event shown by another calendar is found by its UID
        indexes = [models.Index(fields=["calendar", "uid"], name="remote_object_uid")]
        constraints = [models.UniqueConstraint(fields=["calendar", "remote_id"], name="remote_object_once")]


class BusyTime(models.Model):
    """One busy occurrence of a mirrored event: start, end, kind, nothing else (no titles are kept)."""

    calendar = models.ForeignKey(
        # without an index of its own: both below begin with it, and slots must not be read by it alone
        RemoteCalendar,
        on_delete=models.CASCADE,
        related_name="busy_times",
        db_index=False,
    )
    remote_id = models.CharField(max_length=1000)
    start = models.DateTimeField()
    end = models.DateTimeField()
    kind = models.CharField(max_length=16)  # core.event.BusyKind
    all_day = models.BooleanField(default=False)

    class Meta:
        indexes = [
            # with what slots ask besides, so that the rows themselves need not be fetched
            models.Index(fields=["calendar", "end", "start"], include=["kind", "id"], name="busy_time_span"),
            # the longest of a calendar: what meets a range ends so long after it at most
            models.Index(F("calendar"), F("end") - F("start"), name="busy_time_length"),
            models.Index(fields=["calendar", "remote_id"], name="busy_time_object"),
        ]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="busy_time_forward")]
