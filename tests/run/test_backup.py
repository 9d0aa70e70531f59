"""Saving the embedded PostgreSQL and restoring it elsewhere."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from run import postgres

ROOT = Path(__file__).resolve().parent.parent.parent


def backup(what: str, file: Path, state: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "run.backup", what, str(file), "--state", str(state)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def cluster_in(state: Path) -> postgres.Cluster:
    return postgres.Cluster(postgres.home_for(state / "postgres"), dict(postgres.THROWAWAY), tied=True)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """pytest closes its folders to others; PostgreSQL's account must reach this one."""
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    return tmp_path


def test_what_was_saved_is_restored_and_never_over_other_data(open_folder):
    file = open_folder / "backup.dump"
    old = cluster_in(open_folder / "old")
    old.start()
    with psycopg.connect(old.url()) as connection:
        connection.execute("CREATE TABLE visit (name text)")
        connection.execute("INSERT INTO visit VALUES ('Lucía')")
    old.stop()
    done = backup("save", file, open_folder / "old")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    assert backup("restore", file, open_folder / "new").returncode == 0
    new = cluster_in(open_folder / "new")
    new.start()
    try:
        with psycopg.connect(new.url()) as connection:
            assert connection.execute("SELECT name FROM visit").fetchall() == [("Lucía",)]
    finally:
        new.stop()

    refused = backup("restore", file, open_folder / "new")
    assert refused.returncode == 1
    assert "Nothing was changed" in refused.stdout


def test_data_of_another_major_version_is_not_touched(open_folder):
    cluster = cluster_in(open_folder)
    cluster.start()
    cluster.stop()
    (cluster.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(postgres.PostgresTrouble, match="written by PostgreSQL 16; this version brings 18"):
        cluster.start()
