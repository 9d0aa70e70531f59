"""`python -m calendar_sandbox`: the demo calendar's owner and the mail box, on one port.

    python -m calendar_sandbox --host 127.0.0.1 --port 9100 --caldav-url http://127.0.0.1:5232 \\
        --smtp-port 1025 --account ana:secret --account ben:secret
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn

from calendar_sandbox.app import create_app
from calendar_sandbox.google import demo
from calendar_sandbox.google.clients import clients_from
from calendar_sandbox.microsoft import demo as microsoft_demo
from calendar_sandbox.microsoft.clients import clients_from as microsoft_clients_from
from calendar_sandbox.settings import Account, Settings, account_from_pair, accounts_from_file


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("calendar_sandbox", description="Play the owner of a demo calendar.")
    made.add_argument("--host", default="127.0.0.1", help="where the pages and the mail sink listen")
    made.add_argument("--port", type=int, default=9100)
    made.add_argument(
        "--caldav-url",
        default="",
        help="a CalDAV server to play owners of, for example http://127.0.0.1:5232",
    )
    made.add_argument(
        "--account", action="append", default=[], metavar="NAME:PASSWORD", help="may be repeated"
    )
    made.add_argument("--accounts", type=Path, help='JSON file: [{"name": "…", "password": "…"}, …]')
    made.add_argument("--smtp-port", type=int, help="take mail on this port and show it under /mail")
    made.add_argument(
        "--mail-dir", type=Path, help="keep the mail in this folder, so that it survives a restart"
    )
    made.add_argument(
        "--google-account", action="append", default=[], metavar="ADDRESS", help="may be repeated"
    )
    made.add_argument(
        "--google-client",
        action="append",
        default=[],
        metavar="ID:SECRET:REDIRECT_URI",
        help="an app that may ask Google accounts for access; may be repeated, also for another address",
    )
    made.add_argument(
        "--microsoft-account",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="may be repeated; of outlook.* it is a personal one",
    )
    made.add_argument(
        "--microsoft-client",
        action="append",
        default=[],
        metavar="ID:SECRET:REDIRECT_URI",
        help="the same for Microsoft accounts",
    )
    made.add_argument(
        "--state", type=Path, help="keep the Google and Microsoft accounts in this file over restarts"
    )
    made.add_argument("--seed", type=int, default=0, help="the same seed makes the same ids and tokens")
    made.add_argument("--zone", default="", help="IANA zone to show first; else the calendar's own")
    return made


def settings_from(arguments: Sequence[str] | None = None) -> tuple[Settings, str, int]:
    """Return the settings, host and port; exit with a message when the arguments do not fit."""
    made = parser()
    asked = made.parse_args(arguments)
    try:
        accounts: list[Account] = [account_from_pair(pair) for pair in asked.account]
        if asked.accounts:
            accounts += accounts_from_file(asked.accounts)
        clients = clients_from(asked.google_client)
        microsoft_clients = microsoft_clients_from(asked.microsoft_client)
        if asked.zone:
            ZoneInfo(asked.zone)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        made.error(f"{type(exc).__name__}: {exc}")
    settings = Settings(
        caldav_url=asked.caldav_url,
        accounts=tuple(accounts),
        zone=asked.zone,
        mail_dir=asked.mail_dir,
        smtp_host=asked.host,
        smtp_port=asked.smtp_port,
        google_accounts=tuple(asked.google_account) or demo.ACCOUNTS,
        google_clients=clients,
        microsoft_accounts=tuple(asked.microsoft_account) or microsoft_demo.ACCOUNTS,
        microsoft_clients=microsoft_clients,
        state=asked.state,
        seed=asked.seed,
        public_url=f"http://{asked.host}:{asked.port}",
    )
    return settings, asked.host, asked.port


def main() -> None:
    settings, host, port = settings_from()
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        date_header=False,  # the Google stand-in writes its own, which a test may put out of step
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
