"""Foreign errors become ours once, here at the border."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from genie.core.errors import (
    AccessLost,
    AddressRefused,
    CalendarGone,
    NoSuchHost,
    ProviderFault,
    Rejected,
    Transient,
)

LATER = {423, 425, 429, 502, 503, 504}
"""Statuses that ask to come back: locked, too early, too many requests, overloaded."""

LONGEST_WAIT = 24 * 3600.0


@contextmanager
def as_faults(*, writes: bool) -> Iterator[None]:
    """Turn httpx's and the address guard's errors into ProviderFaults.

    A write whose answer never came may have taken effect: `outcome_unknown`.
    """
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
        raise Transient(unreachable_why(fault)) from fault
    except httpx.TimeoutException as fault:
        raise Transient("The calendar server did not answer in time.", outcome_unknown=writes) from fault
    except httpx.HTTPError as fault:
        raise Transient("The connection to the calendar server broke off.", outcome_unknown=writes) from fault
    except NoSuchHost as fault:
        raise Transient(str(fault)) from fault
    except AddressRefused as fault:
        raise CalendarGone(str(fault)) from fault


def unreachable_why(fault: httpx.HTTPError) -> str:
    """Why a connection could not be made, as a sentence."""
    if is_certificate(fault):
        return "The calendar server's certificate is not valid, so nothing was sent to it."
    if isinstance(fault, httpx.TimeoutException):
        return "The calendar server does not answer."
    return "The calendar server cannot be reached."


def is_certificate(fault: BaseException | None) -> bool:
    """Whether TLS failed, anywhere in the chain of causes."""
    while fault is not None:
        if isinstance(fault, ssl.SSLError) or "SSL" in str(fault) or "CERTIFICATE" in str(fault):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def fault_of(status: int, headers: httpx.Headers, *, writes: bool, now: datetime) -> ProviderFault:
    """What an unsuccessful status means, where its request gives it no meaning of its own."""
    if status == httpx.codes.UNAUTHORIZED:
        return AccessLost("The calendar server no longer accepts this user and password.")
    if status in LATER:
        return Transient(
            f"The calendar server asks to try again later (HTTP {status}).",
            retry_after=retry_after(headers, now),
            outcome_unknown=writes and status in (502, 504),
        )
    if status >= 500 and status != 507:
        return Transient(f"The calendar server failed (HTTP {status}).", outcome_unknown=writes)
    return Rejected(f"The calendar server refused the request (HTTP {status}).")


def retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds to wait, from a number or a date; at most a day."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)
