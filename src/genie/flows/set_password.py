"""Set a user's password: for whoever runs the installation; nobody can ask for a new one by mail yet."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.transaction import atomic

from genie.flows.log_in import forget_failures
from genie.store.models import User


class CannotSetPassword(Exception):
    """The password is as it was; the message says why and what to do."""


class WeakPassword(Exception):
    """Too easy to guess; the message says what is wrong with it."""


def set_password(*, email: str, password: str) -> User:
    """The user, logged out everywhere; failed tries to log in are forgotten. Raises CannotSetPassword."""
    account = email.strip().lower()
    with atomic():
        user = User.objects.select_for_update().filter(email=account).first()
        if user is None:
            raise CannotSetPassword(
                f"Nobody logs in as {account}, so no password was set. Check the address, or add the user "
                "with add_user."
            )
        try:
            demand_strong(password, user)
        except WeakPassword as problem:
            raise CannotSetPassword(
                f"{problem} The old password still counts. Choose another one."
            ) from problem
        user.set_password(password)  # sessions are bound to the old one and end with it
        user.save(update_fields=["password"])
        forget_failures(email=account)
    return user


def demand_strong(password: str, user: User) -> None:
    """By the rules of settings.AUTH_PASSWORD_VALIDATORS; `user` need not be saved. Raises WeakPassword."""
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise WeakPassword(" ".join(problem.messages)) from None
