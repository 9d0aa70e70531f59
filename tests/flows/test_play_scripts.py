"""`make scripts`: what it understands, what it says, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import pytest
from tests.flows import play_scripts
from tests.flows.play_scripts import BUNDLE, WAYS, BadOrder, Order, bundles, understood


def run(**given: str) -> subprocess.CompletedProcess[str]:
    """As `make scripts` does: with nothing of this session's environment."""
    ours = ("GENIE_", "DJANGO_", "DATABASE_URL", "PYTEST_")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-m", "tests.flows.play_scripts"],
        cwd=play_scripts.ROOT,
        env=outer | given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_five_hundred_scripts_are_played_in_every_way_with_other_seeds_each_time() -> None:
    order = understood({})
    assert (order.ways, order.scripts) == (list(WAYS), 500)
    assert order.seed != understood({}).seed


def test_a_system_stands_for_all_ways_to_play_on_it() -> None:
    named = [way.name for way in understood({"ON": "caldav, google"}).ways]
    assert named == ["caldav", "caldav by etags", "google"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ON": "lotus"}, "ON names 'lotus'"),
        ({"ON": "google,"}, "ON names ''"),
        ({"SCRIPTS": "0"}, "SCRIPTS is '0'"),
        ({"SCRIPTS": "many"}, "SCRIPTS is 'many'"),
        ({"SEED": "-1"}, "SEED is '-1'"),
    ],
)
def test_what_makes_no_sense_is_said(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadOrder, match=said):
        understood(given)


def test_each_bundle_can_be_played_alone() -> None:
    played = list(bundles(Order(WAYS, 2 * BUNDLE + 5, seed=7)))
    assert played == [(BUNDLE, 7), (BUNDLE, 8), (5, 9)]
    assert all(next(bundles(Order(WAYS, scripts, seed))) == (scripts, seed) for scripts, seed in played)
    assert all(one[1] != other[1] for one, other in pairwise(played))


def test_each_way_is_a_test_that_asks_how_many() -> None:
    for way in WAYS:
        file, _, test = way.test.partition("::")
        text = (play_scripts.ROOT / "tests/flows" / file).read_text()
        assert way.variable in text
        assert f"def {test.partition('[')[0]}" in text


def test_clean_scripts_end_in_one_line_each() -> None:
    done = run(ON="memory", SCRIPTS="1", SEED="7")
    assert done.returncode == 0, done.stdout + done.stderr
    seed, *lines = done.stdout.splitlines()
    assert seed == "SEED=7"
    assert [line.rpartition(",")[0] for line in lines] == [
        "memory: 1 script, 0 failures",
        "memory with push: 1 script, 0 failures",
    ]


def test_what_fails_is_shown_with_how_to_play_it_again() -> None:
    done = run(ON="memory", SCRIPTS="3", SEED="7", DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")
    assert done.returncode == 1
    assert "Play it again: make scripts ON=memory SCRIPTS=3 SEED=7" in done.stdout
    assert "memory: 0 of 3 scripts clean, 1 failure" in done.stdout


def test_nothing_is_played_for_a_bad_order() -> None:
    done = run(ON="lotus")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Nothing was played. Name some of memory,caldav,google,microsoft" in done.stderr
