"""The planted faults fit the product as it is; `make simulate-mutants` sees whether they are noticed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.simulation.mutants import (
    HARMLESS,
    PATCHES,
    ROOT,
    Result,
    apply,
    files_of,
    names_of_all,
    rule_of,
    table,
)


def test_there_are_enough_and_each_says_what_it_breaks() -> None:
    names = names_of_all()
    assert len(names) >= 40
    assert set(HARMLESS) <= set(names)
    for name in names:
        first, second, *_ = (PATCHES / f"{name}.patch").read_text().splitlines()
        assert first.endswith(".") and second == "", name


def test_the_table_says_what_became_of_each() -> None:
    (harmless, *_) = HARMLESS
    results = [Result("breaker-off", 6, 20), Result("no-hunt", None, 20), Result(harmless, None, 20)]
    said = table(results)
    assert said.splitlines()[0].endswith(rule_of("breaker-off"))
    assert "noticed by seed 6" in said and "MISSED by 20 seeds" in said and HARMLESS[harmless] in said
    assert [one.is_hole for one in results] == [False, True, False]


@pytest.mark.parametrize("name", names_of_all())
def test_it_can_be_planted(name: str, tmp_path: Path) -> None:
    before = {}
    for file in files_of(name):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
        before[tmp_path / file] = (tmp_path / file).read_text()
    try:
        apply(name, tmp_path)
    except subprocess.CalledProcessError as fault:
        pytest.fail(f"{name} does not fit any more: {fault.stderr.decode()}")
    assert before
    for path, text in before.items():
        assert path.read_text() != text
        compile(path.read_text(), str(path), "exec")
