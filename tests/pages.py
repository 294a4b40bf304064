"""Reading pages as a person does: forms, what stands in them, and what is said."""

from typing import Any

import httpx
from bs4 import BeautifulSoup, Tag


def parsed(answer: httpx.Response) -> BeautifulSoup:
    """The page of an answer; fails when it is no HTML."""
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    return BeautifulSoup(answer.text, "html5lib")


def form(answer: httpx.Response, action: str) -> Tag:
    """The form that posts there."""
    found = parsed(answer).find("form", action=action)
    assert isinstance(found, Tag), f"no form for {action} in {answer.text}"
    return found


def typed(of: Tag) -> dict[str, str]:
    """The fields of a form with what stands in them."""
    values = {}
    for field in of.find_all(["input", "textarea", "select"]):
        if field.name == "select":
            chosen = field.find("option", selected=True)
            values[str(field["name"])] = str(chosen.get("value", chosen.text)) if chosen else ""
        else:
            shown = field.get("value", "") if field.name == "input" else field.text.strip("\n")
            values[str(field["name"])] = str(shown)
    return values


def errors(of: Tag) -> dict[str, str]:
    """The complaints of a form, each by the name of its field."""
    found: dict[str, str] = {}
    for field in of.find_all(attrs={"aria-invalid": "true"}):
        described: Any = field.get("aria-describedby", "")
        for part in str(described).split():
            complaint = of.find(id=part, class_="error")
            if complaint is not None:
                found[str(field["name"])] = complaint.text
    return found


def says(answer: httpx.Response) -> str:
    """All that can be read on the page, with single spaces."""
    return " ".join(parsed(answer).get_text(" ").split())
