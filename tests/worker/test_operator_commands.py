"""The commands of whoever runs the installation: the first company, its people, passwords and keys."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from tests.connect_scene import Scene, scene
from tests.serving import url_of_test_database

from genie.flows.log_in import PER_PAIR, LoginRefused, log_in
from genie.store.models import Access, Agency, Company, LoginTry, RemoteKey, Role, User
from genie.store.sealed import new_key, seal, unseal

ROOT = Path(__file__).resolve().parents[2]
MADE = re.compile(r"^Password: (\S+)$", re.M)


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as refusal:
        run(*words)
    return str(refusal.value)


@pytest.fixture
def acme(db: None) -> Company:
    run("add_agency", "Bright Agency")
    run("add_company", "acme", "Acme Dental", "--agency", "bright agency", "--zone", "new york")
    return Company.objects.get()


# --- the first company


def test_from_an_empty_installation_to_an_open_dashboard(acme: Company, client: Client) -> None:
    said = run(
        "add_user", "Morgan@Acme.example", "Morgan Reyes", "--role", "Company Admin", "--company", "acme",
        "--generate",
    )  # fmt: skip
    assert "Morgan Reyes, Company Admin" in said
    password = MADE.search(said)
    assert password and len(password[1]) >= 20
    typed = {"email": "morgan@acme.example", "password": password[1]}
    page = client.post("/login", typed, follow=True)
    assert page.request["PATH_INFO"] == "/company/acme/leads/calendar"
    assert "Acme Dental" in page.content.decode()
    assert (acme.agency.name, acme.zone) == ("Bright Agency", "America/New_York")


def test_an_agency_user_reaches_each_company_of_the_agency(acme: Company, client: Client) -> None:
    run("add_company", "branch", "Branch", "--agency", "Bright Agency", "--zone", "UTC")
    run("add_user", "a@b.example", "Avery", "--role", "agency-super-admin", "--agency", "Bright Agency",
        "--generate")  # fmt: skip
    user = User.objects.get()
    assert (user.role, user.agency) == (Role.AGENCY_SUPER_ADMIN, acme.agency)
    client.force_login(user)
    for slug in ("acme", "branch"):
        assert client.get(f"/company/{slug}/apps").status_code == 200
    assert not Access.objects.exists()


def test_a_company_user_reaches_the_companies_named_and_no_other(acme: Company, client: Client) -> None:
    for slug in ("branch", "third"):
        run("add_company", slug, slug, "--agency", "Bright Agency", "--zone", "UTC")
    run("add_user", "l@b.example", "Robin", "--role", "company_light", "--company", "acme", "--company",
        "branch", "--company", "acme", "--generate")  # fmt: skip
    client.force_login(User.objects.get())
    answers = [client.get(f"/company/{slug}/leads/list").status_code for slug in ("acme", "branch", "third")]
    assert answers == [200, 200, 404]


def test_an_empty_company_teaches_how_to_begin(acme: Company, client: Client) -> None:
    run("add_user", "m@acme.example", "Morgan", "--role", "Company Admin", "--company", "acme", "--generate")
    client.force_login(User.objects.get())
    for page in ("leads/calendar", "leads/list", "apps", "schedules", "schedules/new", "keys"):
        assert client.get(f"/company/acme/{page}").status_code == 200, page


# --- what is refused, and what is said


def test_agencies_that_cannot_be_told_apart(acme: Company) -> None:
    for name in ("Bright Agency", "BRIGHT AGENCY", " bright   agency "):
        assert "There is an agency called" in refused("add_agency", name)
    assert "empty" in refused("add_agency", "  ")
    assert Agency.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acme", "Other", "--agency", "Bright Agency", "--zone", "UTC"), "Another company has the address"),
        (("Acme 2", "X", "--agency", "Bright Agency", "--zone", "UTC"), "cannot stand in an address"),
        (("a--b", "X", "--agency", "Bright Agency", "--zone", "UTC"), "cannot stand in an address"),
        (("a" * 61, "X", "--agency", "Bright Agency", "--zone", "UTC"), "cannot stand in an address"),
        (("new", " ", "--agency", "Bright Agency", "--zone", "UTC"), "The name is empty"),
        (("new", "X", "--agency", "Brigth", "--zone", "UTC"), "There is “Bright Agency”"),
        (("new", "X", "--agency", "Bright Agency", "--zone", "Berlni"), "did you mean Europe/Berlin"),
        (("new", "X", "--agency", "Bright Agency", "--zone", "localtime"), "no time zone we know"),
    ],
)
def test_a_company_that_cannot_be_added(acme: Company, words: tuple[str, ...], said: str) -> None:
    told = refused("add_company", *words)
    assert said in told
    assert "No company was added" in told or "none was added" in told or "no company was added" in told
    assert Company.objects.count() == 1


def test_without_any_agency_it_is_said_how_to_make_one(db: None) -> None:
    assert "Make it first: add_agency" in refused("add_company", "a", "A", "--agency", "B", "--zone", "UTC")


AGENCY = ("--agency", "Bright Agency")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("taken@acme.example", "X", "--role", "Company Admin", "--company", "acme"), "set_password taken@"),
        (("TAKEN@acme.example", "X", "--role", "Company Admin", "--company", "acme"), "logs in as taken@"),
        (("no-address", "X", "--role", "Company Admin", "--company", "acme"), "no e-mail address"),
        (("x@acme.example", " ", "--role", "Company Admin", "--company", "acme"), "The name is empty"),
        (("x@acme.example", "X", "--role", "Boss", "--company", "acme"), "no role “Boss”"),
        (("x@acme.example", "X", "--role", "Company Admin", "--company", "nix"), "no company “nix”"),
        (("x@acme.example", "X", "--role", "Company Admin"), "Name at least one"),
        (("x@acme.example", "X", "--role", "Company Light", *AGENCY), "Name at least one"),
        (("x@acme.example", "X", "--role", "Agency Admin"), "belongs to an agency"),
        (("x@acme.example", "X", "--role", "Agency Admin", "--agency", "Dim"), "no agency “Dim”"),
        (("x@acme.example", "X", "--role", "Agency Admin", *AGENCY, "--company", "acme"), "no company"),
        (("x@acme.example", "X", "--role", "Company Admin", "--company", "acme", "--company", "far"),
         "different agencies"),
    ],
)  # fmt: skip
def test_a_user_that_cannot_be_added(acme: Company, words: tuple[str, ...], said: str) -> None:
    run("add_agency", "Far Agency")
    run("add_company", "far", "Far", "--agency", "Far Agency", "--zone", "UTC")
    run("add_user", "taken@acme.example", "T", "--role", "Company Light", "--company", "acme", "--generate")
    told = refused("add_user", *words, "--generate")
    assert said in told
    assert "obody was added" in told
    assert User.objects.count() == 1


def test_a_password_is_never_an_argument(acme: Company) -> None:
    for command in ("add_user", "set_password"):
        with pytest.raises((CommandError, TypeError)):
            run(command, "m@acme.example", "--password", "correct horse battery")


def test_without_a_terminal_a_password_can_only_be_made(
    acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n" * 2))
    told = refused("add_user", "m@acme.example", "M", "--role", "Company Admin", "--company", "acme")
    assert "--generate" in told
    assert not User.objects.exists()


# --- passwords


def test_a_new_password_ends_the_old_one_its_sessions_and_a_lock(acme: Company, client: Client) -> None:
    run("add_user", "m@acme.example", "Morgan", "--role", "Company Admin", "--company", "acme", "--generate")
    user = User.objects.get()
    client.force_login(user)
    assert client.get("/company/acme/apps").status_code == 200
    now = user.created_at
    for _ in range(PER_PAIR + 1):
        with pytest.raises(LoginRefused):
            log_in(email=user.email, password="a wrong guess", address="192.0.2.1", now=now)
    said = run("set_password", " M@Acme.example ", "--generate")
    assert client.get("/company/acme/apps").status_code == 302
    password = MADE.search(said)
    assert password
    assert log_in(email=user.email, password=password[1], address="192.0.2.1", now=now) == user
    assert not LoginTry.objects.exists()


def test_a_password_for_nobody(db: None) -> None:
    assert "Nobody logs in as x@y.example" in refused("set_password", "x@y.example", "--generate")


def at_a_terminal(*words: str, typed: list[str]) -> tuple[int, str]:
    """Run manage.py as its own program at a real terminal. Each of `typed` answers one question."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"DATABASE_URL": url_of_test_database(), "PYTHONPATH": str(ROOT / "src")}
    program = subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, answers = "", iter(typed)
    while True:
        try:
            piece = os.read(ours, 4096).decode()
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        screen += piece
        if screen.endswith(("Password: ", "again: ")):
            os.write(ours, f"{next(answers)}\n".encode())
    os.close(ours)
    return program.wait(), screen


@pytest.mark.django_db(transaction=True)
def test_a_password_typed_at_a_terminal_is_asked_twice_and_not_shown() -> None:
    acme = scene()
    address = acme.admin.email
    code, screen = at_a_terminal("set_password", address, typed=["nine lives of cats"] * 2)
    assert code == 0, screen
    assert "has a new password" in screen
    assert "nine lives" not in screen
    acme.admin.refresh_from_db()
    assert acme.admin.check_password("nine lives of cats")

    code, screen = at_a_terminal("set_password", address, typed=["nine lives of cats", "nine lives of dogs"])
    assert (code, "The two differ" in screen) == (1, True)

    code, screen = at_a_terminal("set_password", address, typed=["password12"] * 2)
    assert (code, "too common" in screen) == (1, True)
    assert "The old password still counts" in screen
    acme.admin.refresh_from_db()
    assert acme.admin.check_password("nine lives of cats")

    code, screen = at_a_terminal(
        "add_user", "new@acme.example", "Nell New", "--role", "Company Admin", "--company", "acme",
        typed=["nellnew@acme"] * 2,
    )  # fmt: skip
    assert (code, "too similar" in screen) == (1, True)
    assert "Nobody was added" in screen
    assert not User.objects.filter(email="new@acme.example").exists()


# --- keys


def test_a_new_key_is_printed_alone_and_fits(settings: Any) -> None:
    key = run("new_key").strip()
    settings.GENIE_ENCRYPTION_KEYS = [key]
    assert unseal(seal({"password": "s3cret"})) == {"password": "s3cret"}
    assert run("new_key").strip() != key


def test_a_new_key_can_be_made_before_anything_is_set_up() -> None:
    """Neither a database nor a key is there yet."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "DATABASE_URL": "postgres://no@h/n",
    }
    made = subprocess.run(
        [sys.executable, "manage.py", "new_key"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r"[\w-]{43}=\n", made.stdout)


def test_rotation_says_how_much_was_done_and_what_comes_next(db: None, settings: Any) -> None:
    acme: Scene = scene()
    acme.key()
    settings.GENIE_ENCRYPTION_KEYS = [new_key(), *settings.GENIE_ENCRYPTION_KEYS]
    said = run("rotate_secrets")
    assert "remote authorization keys: 1 encrypted anew, 0 were already, 0 not readable" in said
    assert "can be taken out" in said
    assert "remote authorization keys: 0 encrypted anew, 1 were already" in run("rotate_secrets")


def test_rotation_fails_when_something_was_lost_and_never_says_a_secret(db: None, settings: Any) -> None:
    acme = scene()
    key = acme.key()
    settings.GENIE_ENCRYPTION_KEYS = [new_key()]
    told = refused("rotate_secrets")
    assert "the key of desk@acme.example" in told
    assert "put it last and run this again" in told
    assert settings.GENIE_ENCRYPTION_KEYS[0] not in told
    assert bytes(RemoteKey.objects.get().secret) == bytes(key.secret)


def test_rotation_without_a_key_says_how_to_make_one(db: None, settings: Any) -> None:
    scene().key()
    settings.GENIE_ENCRYPTION_KEYS = []
    assert "manage.py new_key" in refused("rotate_secrets")
