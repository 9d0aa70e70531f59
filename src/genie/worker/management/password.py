"""A password for a user: typed at the terminal, or made and printed once. Never an argument, which others on
the machine can read while the command runs, and the shell keeps."""

from __future__ import annotations

import getpass
import secrets
import sys
from dataclasses import dataclass

from django.core.management.base import BaseCommand, CommandError, CommandParser


@dataclass(frozen=True, slots=True, repr=False)
class Password:
    """`made` by us and not known to anybody yet, so it must be printed."""

    text: str
    made: bool


def add_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--generate", action="store_true", help="make a password and print it, instead of asking for one"
    )


def ask_or_make(*, generate: bool) -> Password:
    """Raises CommandError where nobody can be asked, or who is asked types two different ones."""
    if generate:
        return Password(secrets.token_urlsafe(15), made=True)
    if not sys.stdin.isatty():
        raise CommandError(
            "There is no terminal to type a password at, so nothing was changed. Add --generate to have one "
            "made and printed."
        )
    text = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != text:
        raise CommandError("The two differ, so nothing was changed. Run the command again.")
    return Password(text, made=False)


def tell(command: BaseCommand, password: Password) -> None:
    if password.made:
        command.stdout.write(f"Password: {password.text}\nIt is kept nowhere and shown only now.")
