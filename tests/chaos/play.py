"""One round: bring everything up, let people work while things break, mend everything, and judge."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from bench import crowd
from tests.chaos import house, plan, postbox
from tests.chaos.house import House, Late, until
from tests.chaos.plan import Trouble, What

from run import demo, programs

VISITORS = 3
DESKS = 5
AGREE_SECONDS = 240
"""Within so long both sides are equal and nothing is owed, by this machine's clock."""
BREAKS = {
    "reset_before": 0.06,
    "reset_after": 0.06,
    "error_before": 0.05,
    "error_after": 0.05,
    "truncated": 0.03,
    "slow": 0.05,
    "push_lost": 0.1,
    "push_late": 0.1,
    "push_doubled": 0.1,
}


@dataclass
class Report:
    """What came of a round, as it is written down."""

    seed: int
    bookings: int = 0
    changes_there: int = 0
    kills: int = 0
    violations: list[dict[str, str]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


def play(seed: int, *, seconds: float, results: Path) -> Report:
    """Play the round of this seed in this process, which has not set Django up yet. Logs go to `results`."""
    results.mkdir(parents=True, exist_ok=True)
    made = plan.plan(seed, seconds=seconds, workers=house.WORKERS, visitors=VISITORS, owners=DESKS)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="genie-chaos-")))
        from tests.chaos import desks

        box = stack.enter_context(postbox.taking_letters())
        there = stack.enter_context(
            house.stand_ins(results, google=desks.GOOGLE, microsoft=desks.MICROSOFT, seed=seed)
        )
        cluster = stack.enter_context(house.database(folder, results))
        dav = stack.enter_context(desks.radicale(folder / "radicale"))
        url = f"http://127.0.0.1:{programs.free_port()}"
        set_up_django(cluster.url(), url, there, box.port)
        made_desks = desks.desks(there, dav)
        home = House(cluster, url, results)
        stack.callback(home.stop)
        home.start_web()
        home.wait_until_web_answers()  # a channel's first message is not repeated
        home.start_all()
        home.wait_until_healthy()
        until(every_calendar_is_watched, what="every calendar that can be has a channel", seconds=60)
        return Round(made, home, made_desks, dav, there, box).play()


def set_up_django(database: str, url: str, stand_in: str, smtp: int) -> None:
    import django

    os.environ |= {
        **crowd.UNLIMITED,
        **demo.google_settings(stand_in),
        **demo.microsoft_settings(stand_in),
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "genie.config.settings",
        "GENIE_TESTING": "1",
        "GENIE_LOG_LEVEL": "INFO",
        "GENIE_PRIVATE_NETWORKS": "1",
        "GENIE_PUBLIC_URL": url,
        "GENIE_PUSH": "on",
        "GENIE_EMAIL_URL": f"smtp://127.0.0.1:{smtp}",
        "GENIE_MAIL_FROM": "Schedule Genie <genie@acme.example>",
        "GENIE_SECRET_KEY": secrets.token_urlsafe(32),
        "GENIE_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def every_calendar_is_watched() -> bool:
    from genie.store.models import Channel

    heard = Channel.objects.filter(state=Channel.State.OPEN, heard_at__isnull=False)
    return heard.values("calendar").distinct().count() == DESKS - 1  # CalDAV is asked


@dataclass
class Round:
    """While it is played. Programs are killed and started by the thread that called `play`."""

    plan: plan.Plan
    home: House
    desks: Sequence[Any]
    dav: Any
    stand_in: str
    postbox: postbox.Postbox
    _to_do: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _open: Counter[What] = field(default_factory=Counter)
    """Troubles that are not over yet: two may overlap."""
    did: Counter[str] = field(default_factory=Counter)

    def play(self) -> Report:
        from tests.chaos.people import Owner, Visitor

        visitors = [
            Visitor(number, self.home.url, self.desks, random.Random(seed))
            for number, seed in enumerate(self.plan.visitors)
        ]
        owners = [
            Owner(desk, random.Random(seed)) for desk, seed in zip(self.desks, self.plan.owners, strict=True)
        ]
        with self.at_work([*visitors, *owners]):
            self.storm()
        self.calm()
        report = Report(
            self.plan.seed,
            bookings=sum(bool(visit.token) for visitor in visitors for visit in visitor.visits),
            changes_there=sum(owner.done for owner in owners),
            kills=self.home.killed,
            notes={
                "troubles": dict(self.did),
                "answers": dict(sum((Counter(one.answers) for one in visitors), Counter())),
                "letters taken": len(self.postbox.copies),
                "letters refused": self.postbox.refused,
                "letters cut after their text": self.postbox.hung_up,
                "programs that ended by themselves": self.home.ended_by_themselves,
                "missed by owners": sum(owner.missed for owner in owners),
            },
        )
        report.violations = [asdict(one) for one in self.judged(visitors, owners, report.notes)]
        return report

    @contextlib.contextmanager
    def at_work(self, people: Sequence[Any]) -> Iterator[None]:
        over = threading.Event()
        faults: list[BaseException] = []

        def work(person: Any) -> None:
            try:
                person.go_on(over)
            except BaseException as fault:
                faults.append(fault)

        threads = [threading.Thread(target=work, args=[person], daemon=True) for person in people]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(120)
        if faults:
            raise faults[0]

    # --- things break

    def storm(self) -> None:
        begun = time.monotonic()
        waiting = list(self.plan.troubles)
        while (now := time.monotonic() - begun) < self.plan.seconds or waiting:
            for when, act in [one for one in self._to_do if one[0] <= now]:
                self._to_do.remove((when, act))
                act()
            while waiting and waiting[0].at <= now:
                trouble = waiting.pop(0)
                self.did[trouble.what] += 1
                self.begin(trouble, now)
            self.home.tend()
            time.sleep(0.02)

    def begin(self, trouble: Trouble, now: float) -> None:
        self._open[trouble.what] += 1
        ends: Callable[[], None]
        match trouble.what:
            case What.WORKER | What.WORKERS:
                names = self.home.workers
                names = names if trouble.what == What.WORKERS else [names[trouble.which]]
                for name in names:
                    self.home.kill(name)
                ends = partial(self.home.start_workers, names)
            case What.WEB:
                self.home.kill("web")
                ends = self.home.start_web
            case What.DATABASE | What.DATABASE_STOPS:
                self.home.kill_database(signal.SIGKILL if trouble.what == What.DATABASE else signal.SIGQUIT)
                ends = self.home.start_database
            case What.REQUESTS:
                self.break_requests(seed=self.plan.seed + self.did.total())
                ends = self.mend_requests
            case What.LETTERS:
                self.postbox.break_down(seed=self.plan.seed + self.did.total())
                ends = self.postbox.mend

        def over() -> None:
            self._open[trouble.what] -= 1
            if trouble.what not in (What.REQUESTS, What.LETTERS) or not self._open[trouble.what]:
                ends()

        self._to_do.append((now + trouble.lasts, over))

    def break_requests(self, *, seed: int) -> None:
        for name in ("google", "microsoft"):
            asked = {"chances": BREAKS, "seed": seed}
            httpx.post(f"{self.stand_in}/_sandbox/{name}/chances", json=asked).raise_for_status()
        self.dav.break_requests(seed)

    def mend_requests(self) -> None:
        for name in ("google", "microsoft"):
            control = f"{self.stand_in}/_sandbox/{name}"
            httpx.post(f"{control}/chances", json={"chances": {}}).raise_for_status()
            httpx.delete(f"{control}/faults").raise_for_status()
        self.dav.mend_requests()

    # --- everything is mended

    def calm(self) -> None:
        self.mend_requests()
        self.postbox.mend()
        self.home.start_database()
        self.home.start_all()
        self.home.wait_until_healthy()

    def judged(self, visitors: Sequence[Any], owners: Sequence[Any], notes: dict[str, Any]) -> list[Any]:
        from django.db import connection
        from tests.chaos import verdict
        from tests.chaos.verdict import Books, Violation

        connection.close()  # the server it was made to is dead
        books = Books(
            self.desks,
            [visit for visitor in visitors for visit in visitor.visits],
            owners,
            self.postbox,
            self.dav.created,
            self.home.killed + self.postbox.hung_up,
        )
        begun = time.monotonic()
        verdict.time_passes(letters=False)
        try:
            self.until_in_step(lambda: [*verdict.open_debts(), *verdict.both_sides(books)])
            notes["seconds until in step"] = round(time.monotonic() - begun, 1)
            self.until_in_step(verdict.open_letters, letters=True)
            notes["seconds until all were told"] = round(time.monotonic() - begun, 1)
            stands = verdict.as_it_stands(books)
            moment = datetime.now(UTC)
            verdict.time_passes(letters=True)
            until(lambda: verdict.all_read_since(moment), what="every calendar is read once more")
            self.until_in_step(verdict.open_debts)
        except Late as late:
            open_ = [*verdict.open_debts(), *verdict.open_letters()]
            found = [Violation(str(late), evidence="\n".join(open_))]
        else:
            after = verdict.as_it_stands(books)
            changed = {name for name, value in after.items() if value != stands[name]}
            found = [Violation(f"{name} changed though nothing happened") for name in sorted(changed)]
        found += verdict.both_sides(books)
        found += verdict.nothing_foreign_was_written(books)
        found += verdict.what_was_done_counts(books)
        found += verdict.the_history_explains(books)
        found += verdict.letters(books)
        notes["letters sent again"] = sum(len(copies) - 1 for copies in self.postbox.taken().values())
        return found

    def until_in_step(self, open_: Callable[[], Sequence[object]], *, letters: bool = False) -> None:
        """Until nothing is open. What waits for a time does not wait really: that time passes."""
        from tests.chaos import verdict

        still: Sequence[Any] = ()
        asked = time.monotonic()

        def in_step() -> bool:
            nonlocal still, asked
            self.home.tend()
            still = open_()
            if still and time.monotonic() - asked > 10:
                verdict.time_passes(letters=letters)
                asked = time.monotonic()
            return not still

        if letters:
            verdict.time_passes(letters=True)
        try:
            until(in_step, what="both sides agree and nothing is owed", seconds=AGREE_SECONDS, pause=0.3)
        except Late as late:
            raise Late(f"{late}; still open: {len(still)}, as {still[0]}") from None


def main(arguments: Sequence[str]) -> int:
    """Play one round and write its report; what `__main__` starts for each seed."""
    seed, seconds, results = int(arguments[0]), float(arguments[1]), Path(arguments[2])
    logging.getLogger("mail.log").setLevel(
        logging.WARNING
    )  # set up by Django, by name, it would tell each line
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is stopped
    report = play(seed, seconds=seconds, results=results)
    (results / "report.json").write_text(json.dumps(asdict(report), indent=1, default=str))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
