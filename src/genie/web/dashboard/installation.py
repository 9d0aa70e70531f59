"""Whoever runs the installation says what became of it: moved, restored from a backup, or a copy."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from genie.core.recognition import Doubt
from genie.core.rights import Right
from genie.flows.answer_doubt import Answer, answer_doubt
from genie.store.locks import Busy
from genie.store.record_file import NOTHING, read_record
from genie.web.dashboard.access import demand, for_user, user_of

WHY = {
    Doubt.OLDER: "The database is older than this installation’s own record of it: a backup was restored.",
    Doubt.NO_RECORD: "The database was in use before, but this installation has no record of it: it was "
    "moved here, restored from a backup, or copied.",
    Doubt.ANOTHER: "The database is not the one this installation’s record is about: it was exchanged, or "
    "another installation has been named the true one.",
    Doubt.ELSEWHERE: "The database has moved on without this installation: another one works on it, or this "
    "installation’s record is an old one.",
    Doubt.MOVED: "This installation now runs on another machine or in another folder: moved, or copied.",
}
SAID = {
    Answer.MOVED: "Everything goes on as before.",
    Answer.RESTORED: "Calendars are being read in full now, and what changed on them comes in quietly.",
    Answer.COPY: "This copy has let go of all calendars.",
}


@for_user
@require_http_methods(["GET", "HEAD", "POST"])
def installation(request: HttpRequest) -> HttpResponse:
    """Why calendars and letters are paused, and the three answers. The first one counts."""
    demand(user_of(request), Right.ENABLE_APPS)
    file: str = settings.GENIE_INSTALLATION_FILE
    if request.method == "POST":
        return _answered(request, file)
    there = read_record(Path(file)) if file else NOTHING
    why = WHY[there.doubt] if there.doubt else ""
    return render(request, "dashboard/installation.html", {"why": why, "since": there.since})


def _answered(request: HttpRequest, file: str) -> HttpResponse:
    try:
        answer = Answer(request.POST.get("answer", ""))
    except ValueError:
        return HttpResponseBadRequest("Press one of the three buttons.")
    try:
        first = bool(file) and answer_doubt(file=Path(file), answer=answer, now=timezone.now())
    except (Busy, OSError):
        messages.error(
            request,
            "That could not be written down, so everything stays paused. See that the web server may write "
            f"{file}, and press the button again.",
        )
        return redirect("installation")
    if first:
        messages.success(request, SAID[answer])
    else:
        messages.info(request, "Nothing is in doubt any more; nothing was done.")
    return redirect("installation")
