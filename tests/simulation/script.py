"""A script: which calendar system, which rules, and what happens in which order. A seed decides all of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from tests.simulation.machine import Step

Draw = Callable[[random.Random], Any]
SHORTEST, LONGEST = 8, 18


def one_of(*values: Any) -> Draw:
    return lambda dice: dice.choice(values)


def step_of(*names: str) -> Draw:
    """One of these steps, of people here or of the calendar's owner."""

    def drawn(dice: random.Random) -> Step:
        name = dice.choice(names)
        return name, _filled(dice, {**HERE, **THERE}[name][1])

    return drawn


def number(low: int, high: int) -> Draw:
    return lambda dice: dice.randint(low, high)


def hour(dice: random.Random) -> int:
    """Any; often one at which there is somebody already."""
    return dice.choice((0, 5, 10)) if dice.random() < 0.35 else dice.randint(0, 200)


HOUR: Draw = hour
WHICH = number(0, 11)
LAST = -1
"""The appointment that was booked last."""
YES_OR_NO = one_of(True, False)
TITLE = one_of("Tour", "Visit", "Chat", "Call – é", "")
AT_ONCE = one_of("when", "title", "declined there", "cancelled here")
NOTES = one_of("", "Side door", "Two\nlines", "   padded  ")

OURS = ("moved_here", "moved_here", "edited_here", "cancelled_here", "cancelled_here", "somebody_books")
CHANGES = (*OURS, "moved_there", "moved_there", "edited_there", "removed_there", "cut_and_pasted_there")

HERE: Mapping[str, tuple[int, Mapping[str, Draw]]] = {
    "somebody_books": (4, {"hour": HOUR, "at_once": YES_OR_NO}),
    "moved_here": (4, {"which": WHICH, "hour": HOUR}),
    "edited_here": (3, {"which": WHICH, "title": TITLE, "notes": NOTES}),
    "cancelled_here": (2, {"which": WHICH}),
    "customer_answers": (3, {"which": WHICH, "accept": YES_OR_NO}),
}
"""Steps that people take here: how often, and what they name."""
THERE: Mapping[str, tuple[int, Mapping[str, Draw]]] = {
    "moved_there": (5, {"which": WHICH, "hour": HOUR}),
    "resized_there": (2, {"which": WHICH, "minutes": one_of(15, 30, 90, 240)}),
    "made_all_day_there": (1, {"which": WHICH, "hour": HOUR}),
    "edited_there": (3, {"which": WHICH, "title": TITLE, "place": TITLE}),
    "notes_written_there": (2, {"which": WHICH, "notes": NOTES}),
    "removed_there": (3, {"which": WHICH, "how": one_of("delete", "delete", "decline")}),
    "cut_and_pasted_there": (2, {"which": WHICH, "hour": HOUR}),
    "moved_to_another_calendar_there": (1, {"which": WHICH}),
    "made_a_series_there": (1, {"which": WHICH}),
    "made_a_single_event_again_there": (1, {"which": WHICH}),
    "a_foreign_event_is_made": (2, {"hour": HOUR, "series": YES_OR_NO}),
    "a_foreign_event_is_moved": (1, {"which": WHICH, "hour": HOUR}),
    "copied_there": (1, {"which": WHICH, "hour": HOUR}),
    "many_are_changed_there": (
        3,
        {
            "how": one_of("delete", "move"),
            "most": one_of(3, 5, 7, 12),
            "hour": HOUR,
            "noticed": YES_OR_NO,
        },
    ),
    "changed_on_both_sides": (3, {"which": WHICH, "name": AT_ONCE, "hour": HOUR}),
    "moved_though_cancelled_here": (2, {"which": WHICH, "hour": HOUR}),
    "deleted_beside_copies": (1, {"which": WHICH, "hour": HOUR, "copies": one_of(1, 2, 2)}),
    "moved_there_and_back": (2, {"which": WHICH, "hour": HOUR, "told": YES_OR_NO}),
    "retitled_there_in_peace": (2, {"which": WHICH, "title": TITLE}),
    "cursors_expire": (2, {}),
}
"""What the calendar's owner does."""
MACHINES: Mapping[str, tuple[int, Mapping[str, Draw]]] = {
    "worker_runs": (4, {}),
    "a_minute_passes": (5, {"letters": YES_OR_NO}),
    "time_passes": (3, {"seconds": one_of(1, 50, 130, 3700)}),
    "worker_is_killed": (4, {"statement": number(1, 120)}),
    "a_request_fails": (4, {"request": number(1, 6), "effect": YES_OR_NO, "dies": YES_OR_NO}),
    "worker_dies_after_a_commit": (
        4,
        {"commit": one_of(1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8), "first": step_of(*CHANGES)},
    ),
    "answer_is_lost": (
        4,
        {
            "request": one_of(1, 1, 2, 2, 3),
            "dies": YES_OR_NO,
            "first": step_of(*OURS),
            "then": step_of(*OURS, "moved_there", "edited_there", "copied_there"),
        },
    ),
    "changed_while_it_is_written": (
        5,
        {
            "request": one_of(1, 2, 2, 3),
            "first": step_of("moved_here", "edited_here", "cancelled_here"),
            "then": step_of("moved_there", "edited_there", "notes_written_there", "removed_there"),
        },
    ),
    "cancelled_beside_a_copy": (
        1,
        {"which": WHICH, "hour": HOUR, "request": one_of(1, 2, 2, 3), "dies": YES_OR_NO},
    ),
    "refused_for_a_while": (2, {"first": step_of(*OURS)}),
    "old_copies_are_shown": (2, {"first": step_of("moved_there", "edited_there", "moved_here")}),
    "message_is_lost": (2, {"first": step_of("moved_there", "edited_there", "removed_there")}),
    "lists_lag": (
        2,
        {"first": step_of("cut_and_pasted_there", "moved_to_another_calendar_there", "moved_there")},
    ),
    "heard_in_the_midst": (
        3,
        {
            "request": one_of(1, 1, 1, 2),
            "first": step_of("moved_there", "edited_there", "a_foreign_event_is_made"),
            "which": WHICH,
            "hour": HOUR,
        },
    ),
    "messages_arrive": (3, {}),
    "letters_go_out": (2, {"trouble": one_of(0, 0, 5)}),
    "letter_worker_is_killed": (1, {"statement": number(1, 12)}),
    "access_ends": (1, {}),
    "access_given": (2, {}),
    "out_of_reach": (1, {"minutes": one_of(1, 30, 300)}),
    "realtime_switched": (1, {"on": YES_OR_NO}),
    "written_while_off": (
        1,
        {"there": step_of("moved_there", "edited_there"), "here": step_of("moved_here", "edited_here")},
    ),
    "unlinked": (1, {"keep": YES_OR_NO}),
    "unlinked_while_it_is_looked_at": (1, {"request": number(1, 4), "keep": YES_OR_NO, "hour": HOUR}),
    "linked_again": (2, {}),
    "somebody_decides": (3, {"put_back": YES_OR_NO}),
}
MEANWHILE = 12
"""How often something happens in the midst of a drain: another worker, or anybody."""
IN_THE_MIDST = {
    **HERE,
    **THERE,
    "worker_runs": (12, {}),
    "heard_there": (4, {"step": lambda dice: _drawn(dice, THERE)}),
    "taken_in_by_another": (6, {"step": lambda dice: _drawn(dice, THERE)}),
    "letters_go_out": (1, {}),
    "somebody_decides": (1, {"put_back": YES_OR_NO}),
    "realtime_switched": (1, {"on": YES_OR_NO}),
    "unlinked": (1, {"keep": YES_OR_NO}),
}
EVERYTHING = {**HERE, **THERE, **MACHINES}
KINDS = {"meanwhile": MEANWHILE, "while_a_letter_leaves": 2} | {
    name: row[0] for name, row in EVERYTHING.items()
}
NOTHING: Mapping[str, int] = {}
WHILE_A_LETTER_LEAVES = {**HERE, "letters_go_out": (8, {}), "worker_runs": (3, {})}


@dataclass(frozen=True)
class Theme:
    """What a script is about: these steps are drawn more often, and it begins with so many appointments."""

    more: Mapping[str, int]
    booked: Sequence[int] = (1, 1, 2, 2, 2, 3)


THEMES = (
    *[Theme({})] * 8,
    # too much is changed at once: it is held, and somebody decides
    *[
        Theme(
            {
                "many_are_changed_there": 20,
                "somebody_decides": 18,
                "letters_go_out": 10,
                "a_minute_passes": 22,
                "time_passes": 6,
            },
            booked=(4, 5, 6, 6, 7, 11),
        )
    ]
    * 2,
    Theme(
        {
            "copied_there": 10,
            "removed_there": 5,
            "cancelled_here": 4,
            "cut_and_pasted_there": 2,
            "answer_is_lost": 5,
            "cancelled_beside_a_copy": 8,
            "deleted_beside_copies": 8,
        }
    ),
    # the calendar is read in full while something happens
    Theme({"cursors_expire": 9, "a_foreign_event_is_made": 6, "meanwhile": 15, "somebody_books": 6}),
    Theme(
        {
            "unlinked": 6,
            "linked_again": 6,
            "moved_there": 3,
            "moved_here": 3,
            "unlinked_while_it_is_looked_at": 6,
        },
        booked=(2, 2, 3),
    ),
)
"""One of these is drawn: what needs several rare steps in a row would else hardly ever come."""


@dataclass(frozen=True)
class Script:
    """What is played. The same script always plays the same."""

    seed: int
    system: str
    winner: str
    booked: int
    capacity: int
    push: bool
    steps: Sequence[Step]
    inbound: str = "apply_and_tell"

    def with_steps(self, steps: Sequence[Step]) -> Script:
        return replace(self, steps=tuple(steps))

    def __str__(self) -> str:
        rules = (
            f"{self.inbound}, {self.winner}, {self.booked} booked, capacity {self.capacity}, push {self.push}"
        )
        lines = [f"on {self.system}: {rules}", *(f"  {said(step)}" for step in self.steps)]
        return "\n".join(lines)


def said(step: Step) -> str:
    name, arguments = step
    shown = ", ".join(
        f"{key}=({said(value)})" if key in ("step", "first") and value else f"{key}={value!r}"
        for key, value in arguments.items()
    )
    return f"{name}({shown})"


def written(seed: int, systems: Sequence[str]) -> Script:
    """The script of a seed."""
    dice = random.Random(seed)
    theme = dice.choice(THEMES)
    return Script(
        seed=seed,
        system=systems[seed % len(systems)],
        winner=dice.choice(["calendar_wins", "dashboard_wins"]),
        booked=dice.choice(theme.booked),
        capacity=dice.choice([1, 2, 50]),
        push=dice.random() < 0.5,
        steps=tuple(_step(dice, theme.more) for _ in range(dice.randint(SHORTEST, LONGEST))),
        inbound=dice.choice(["apply_and_tell"] * 4 + ["put_it_back"] + ["ask_the_customer"] * 2),
    )


def _step(dice: random.Random, more: Mapping[str, int]) -> Step:
    (kind,) = dice.choices(list(KINDS), [often + more.get(name, 0) for name, often in KINDS.items()])
    if kind == "while_a_letter_leaves":
        return kind, {"step": _drawn(dice, WHILE_A_LETTER_LEAVES)}
    if kind != "meanwhile":
        drawn = _filled(dice, EVERYTHING[kind][1])
        if dice.random() < 0.8:
            _about_one(*[drawn[key] for key in ("there", "here", "first", "then") if key in drawn])
        return kind, drawn
    inner = _drawn(dice, IN_THE_MIDST, more)
    first = _drawn(dice, {**HERE, **THERE}, more) if dice.random() < 0.7 else None
    if first and dice.random() < 0.6:
        _about_one(first, inner[1].get("step", inner))
    request, after = dice.choice((1, 1, 1, 2, 2, 3, 4, 5)), dice.random() < 0.5
    if first and first[0] == "cancelled_here" and inner[0] == "moved_there":
        inner = "moved_though_cancelled_here", inner[1]  # else its owner would leave alone what is off here
    how = {"request": request, "after": after, "wait": dice.random() < 0.5}
    return "meanwhile", {**how, "step": inner, "first": first}


def _about_one(*steps: Step) -> None:
    """The same appointment, from both sides at once, or one thing after the other."""
    for (name, first), (_, then) in pairwise(steps):
        if "which" in then and (name == "somebody_books" or "which" in first):
            then["which"] = first.get("which", LAST)


def _drawn(
    dice: random.Random,
    table: Mapping[str, tuple[int, Mapping[str, Draw]]],
    more: Mapping[str, int] = NOTHING,
) -> Step:
    names = list(table)
    (name,) = dice.choices(names, [table[name][0] + more.get(name, 0) for name in names])
    return name, _filled(dice, table[name][1])


def _filled(dice: random.Random, draws: Mapping[str, Draw]) -> dict[str, Any]:
    return {key: draw(dice) for key, draw in draws.items()}
