"""`python -m run.backup save|restore FILE`: the embedded PostgreSQL's data, also for a new major version."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from run import postgres
from run.supervisor import ROOT, Installation, Trouble, say


def save(installation: Installation, file: Path) -> None:
    """Write a dump; the installation may be running. The file is complete or not there, and 0600."""
    cluster = cluster_of(installation)
    if not cluster.data.exists():
        raise Trouble(
            f"There is no embedded PostgreSQL in {installation.state}, so there is nothing to save."
        )
    half = file.with_name(f"{file.name}.part")
    half.unlink(missing_ok=True)
    with (
        serving(installation, cluster),
        os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out,
    ):
        command = [program("pg_dump"), "--format=custom", "--no-owner", f"--dbname={cluster.url()}"]
        subprocess.run(command, stdout=out, check=True)
    half.replace(file)


def restore(installation: Installation, file: Path) -> None:
    """Fill a new cluster from a dump. Raise Trouble while it runs, or when there is data already."""
    if not file.exists():
        raise Trouble(f"There is no file {file}.")
    installation.take_lock()
    cluster = cluster_of(installation)
    if cluster.data.exists():
        raise Trouble(
            f"There is data in {cluster.folder} already, and a restore does not mix two. "
            "Nothing was changed. Move that folder away, then restore again."
        )
    cluster.start()
    try:
        command = [program("pg_restore"), "--no-owner", "--exit-on-error", "--single-transaction"]
        subprocess.run([*command, f"--dbname={cluster.url()}", str(file)], check=True)
    finally:
        cluster.stop()


@contextlib.contextmanager
def serving(installation: Installation, cluster: postgres.Cluster) -> Iterator[None]:
    """The cluster answers: because the installation runs, or started for just this."""
    try:
        installation.take_lock()
    except Trouble:
        yield
        return
    cluster.end_leftover()
    cluster.start()
    try:
        yield
    finally:
        cluster.stop()


def cluster_of(installation: Installation) -> postgres.Cluster:
    return postgres.Cluster(postgres.home_for(installation.state / "postgres"))


def program(name: str) -> str:
    return str(postgres.wheel_programs() / name)


def main() -> int:
    asked = argparse.ArgumentParser("run.backup", description="Save or restore the embedded PostgreSQL.")
    asked.add_argument("what", choices=["save", "restore"])
    asked.add_argument("file", type=Path)
    asked.add_argument("--state", type=Path, default=ROOT / ".run", help="folder of data; else .run")
    options = asked.parse_args()
    installation = Installation(state=options.state.resolve())
    try:
        (save if options.what == "save" else restore)(installation, options.file)
    except (Trouble, postgres.PostgresTrouble) as trouble:
        say(str(trouble))
        return 1
    except subprocess.CalledProcessError as failed:
        say(f"{Path(failed.cmd[0]).name} failed; see what it said above. {options.file} is not complete.")
        return 1
    say(f"Saved to {options.file}." if options.what == "save" else f"Restored from {options.file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
