"""Ways for a worker to die at an exact place."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class Crash(BaseException):
    """The worker dies here: nothing after this line happens, and nobody catches it."""


WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")
"""How a statement begins that may write; one that begins WITH may insert into several tables."""


@contextmanager
def dying_at(statement: int, *, of: tuple[str, ...] = ("",)) -> Iterator[None]:
    """Die just before the n-th database statement from now (1 = the next).

    `of`: count only those that begin so. Dying before each of the WRITES is all there is to see, in less
    time: what was read is forgotten with the worker.
    """
    left = statement

    def execute(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        nonlocal left
        left -= str(sql).startswith(of)
        if left == 0:
            raise Crash
        return run(sql, *arguments)

    with connection.execute_wrapper(execute):
        yield


@contextmanager
def dying_when(happened: Callable[[], bool]) -> Iterator[None]:
    """Die before the first database statement after something happened outside, such as a cut request."""

    def execute(run: Callable[..., Any], *arguments: Any) -> Any:
        if happened():
            raise Crash
        return run(*arguments)

    with connection.execute_wrapper(execute):
        yield


@contextmanager
def dying_after(commit: int) -> Iterator[None]:
    """Die when the n-th transaction from now that writes is committed (1 = the next): what it wrote stays.

    A statement outside a transaction is no commit here; before each of those `dying_at` dies.
    """
    left, wrote, really = commit, False, connection._commit

    def execute(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        nonlocal wrote
        wrote |= connection.in_atomic_block and str(sql).startswith(WRITES)
        return run(sql, *arguments)

    def committed() -> None:
        nonlocal left, wrote
        really()
        left -= wrote
        if left == 0 and wrote:
            raise Crash
        wrote = False

    connection._commit = committed
    try:
        with connection.execute_wrapper(execute):
            yield
    finally:
        del connection._commit


def killed_at(statement: int, work: Callable[[], None]) -> int:
    """Do `work` in a process of its own that gets SIGKILL just before its n-th statement that writes.

    Returns the signal it died of, or 0 when it came to its end.
    """
    child = os.fork()
    if child == 0:
        try:
            connection.connection = None  # the parent's; this process opens its own
            _count_down(statement, work)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0, "the worker failed instead of dying"
    return 0


def _count_down(statement: int, work: Callable[[], None]) -> None:
    left = statement

    def execute(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        nonlocal left
        left -= str(sql).startswith(WRITES)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(sql, *arguments)

    with connection.execute_wrapper(execute):
        work()
    os._exit(0)
