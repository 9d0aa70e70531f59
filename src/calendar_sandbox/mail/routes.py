"""The mail box's addresses.

    GET  /mail                      the letters, newest first, as a page that follows the box
    GET  /mail/list                 the list alone
    GET  /mail.json                 {"letters": [letter…]}; &to=address and &after=number narrow it
    GET  /mail/<n>                  one letter as a page
    GET  /mail/<n>.json             one letter
    GET  /mail/<n>/html             its HTML part alone, without scripts
    GET  /mail/<n>/parts/<k>        one part, to download
    GET  /mail/<n>/raw              the message as it came in
    POST /mail/empty                throw all letters away

A letter in JSON: {"number", "received_at", "envelope": {"from", "to": []}, "from", "to", "subject",
"message_id", "headers": [[name, value]], "text", "html", "invitations": [{"method", "uid", "sequence",
"status", "title", "place", "notes", "start", "end", "organizer", "attendees"}],
"attachments": [{"name", "type", "size", "href"}]}.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from calendar_sandbox.faults import Gone
from calendar_sandbox.mail.box import Box, Letter
from calendar_sandbox.mail.reading import Opened, Piece, is_calendar, opened
from calendar_sandbox.pages import page, span_of, wants_json

# The letter is a stranger's: no scripts, no requests, a place of its own; its links may open a new tab.
FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
)


async def show_list(request: Request) -> Response:
    return page("mail.html", here="mail", letters=_opened_all(request))


async def just_list(request: Request) -> Response:
    return page("mail_list.html", letters=_opened_all(request))


async def list_json(request: Request) -> JSONResponse:
    to = request.query_params.get("to", "").lower()
    after = request.query_params.get("after", "0")
    least = int(after) if after.isdecimal() else 0
    found = [
        one
        for one in _opened_all(request)
        if one.letter.number > least and (not to or to in (known.lower() for known in one.letter.recipients))
    ]
    return JSONResponse({"letters": [_as_json(one) for one in found]})


async def show_letter(request: Request) -> Response:
    found = _asked_for(request)
    return page(
        "letter.html",
        here="mail",
        opened=found,
        letter=found.letter,
        span_of=span_of,
        is_calendar=is_calendar,
    )


async def letter_json(request: Request) -> JSONResponse:
    return JSONResponse(_as_json(_asked_for(request)))


async def html_part(request: Request) -> Response:
    return HTMLResponse(_asked_for(request).framed_html(), headers={"Content-Security-Policy": FRAME_POLICY})


async def part(request: Request) -> Response:
    wanted = request.path_params["part"]
    piece = next((piece for piece in _asked_for(request).pieces if piece.index == wanted), None)
    if piece is None:
        raise Gone("This letter has no such part.", "There is nothing to download.", "Go back to the letter.")
    return _download(piece.content, piece.name, _media_type(piece))


async def raw(request: Request) -> Response:
    letter = _asked_for(request).letter
    return _download(letter.raw, f"letter-{letter.number}.eml", "message/rfc822")


async def empty(request: Request) -> Response:
    _box(request).empty()
    return JSONResponse({"ok": True}) if wants_json(request) else RedirectResponse("/mail", 303)


def _box(request: Request) -> Box:
    box: Box = request.app.state.box
    return box


def _opened_all(request: Request) -> list[Opened]:
    return [opened(letter) for letter in _box(request)]


def _asked_for(request: Request) -> Opened:
    letter: Letter | None = _box(request).get(request.path_params["number"])
    if letter is None:
        raise Gone(
            "There is no such letter.",
            "The box was emptied, or the letter has made room for newer ones.",
            "Go back to the mail box.",
        )
    return opened(letter)


def _media_type(piece: Piece) -> str:
    return "text/calendar; charset=utf-8" if is_calendar(piece) else "application/octet-stream"


def _download(content: bytes, name: str, media_type: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    policy = {"Content-Disposition": disposition, "Content-Security-Policy": "sandbox; default-src 'none'"}
    return Response(content, media_type=media_type, headers=policy)


def _as_json(one: Opened) -> dict[str, Any]:
    letter = one.letter
    return {
        "number": letter.number,
        "received_at": letter.received_at.isoformat(),
        "envelope": {"from": letter.sender, "to": list(letter.recipients)},
        "from": one.header("From"),
        "to": one.header("To"),
        "subject": one.subject,
        "message_id": one.header("Message-ID"),
        "headers": one.headers,
        "text": one.text,
        "html": one.html,
        "invitations": [
            asdict(found)
            | {
                "start": found.start.isoformat() if found.start else None,
                "end": found.end.isoformat() if found.end else None,
            }
            for found in one.invitations
        ],
        "attachments": [
            {
                "name": piece.name,
                "type": piece.kind,
                "size": len(piece.content),
                "href": f"/mail/{letter.number}/parts/{piece.index}",
            }
            for piece in one.attachments
        ],
    }


routes = [
    Route("/mail", show_list),
    Route("/mail.json", list_json),
    Route("/mail/list", just_list),
    Route("/mail/empty", empty, methods=["POST"]),
    Route("/mail/{number:int}", show_letter),
    Route("/mail/{number:int}.json", letter_json),
    Route("/mail/{number:int}/html", html_part),
    Route("/mail/{number:int}/raw", raw),
    Route("/mail/{number:int}/parts/{part:int}", part),
]
