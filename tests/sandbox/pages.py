"""Reading a page of the sandbox as a person's browser does: its forms, and the words on it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A page's forms, and the words on it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": given["action"], "method": given["method"], "fields": []})
        if tag in ("input", "button") and given.get("name"):
            self.forms[-1]["fields"].append(given | {"tag": tag})

    def handle_data(self, data: str) -> None:
        self.words += f"{data.strip()} " if data.strip() else ""

    def form(self, action: str) -> dict[str, Any]:
        (found,) = [form for form in self.forms if form["action"] == action]
        return found

    def hidden(self, action: str) -> dict[str, str]:
        fields = self.form(action)["fields"]
        return {one["name"]: one["value"] for one in fields if one.get("type") == "hidden"}

    def buttons(self, action: str) -> list[str]:
        """What a form's named buttons send, from top to bottom."""
        return [one["value"] for one in self.form(action)["fields"] if one["tag"] == "button"]
