"""The demo as rows of the tables: for each a value by the name of its column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.accounts.usernames import skeleton
from app.core.text import search_key
from app.demo.chat import Chat, Draft
from app.demo.voice import Person
from app.messages import markup


def email(username: str) -> str:
    """Their address, at a domain that is kept for examples: no mail can reach anyone."""
    return f"{username}@example.org"


def person(who: Person, password_hash: str) -> dict[str, Any]:
    """A row of `person`."""
    character = who.character
    return {
        "id": who.id,
        "username": character.username,
        "skeleton": skeleton(character.username),
        "name": character.name,
        "email": email(character.username),
        "email_key": email(character.username),
        "password_hash": password_hash,
        "role": character.role,
        "language": character.language,
        "time_zone": character.time_zone,
        "search_key": search_key(character.name, character.username),
        "created_at": who.joined_at,
        "updated_at": who.joined_at,
    }


def conversation(chat: Chat) -> dict[str, Any]:
    """A row of `conversation`."""
    return {
        "id": chat.id,
        "kind": chat.kind,
        "title": chat.title,
        "owner": chat.owner,
        "direct_key": chat.direct_key,
        "position": len(chat.drafts),
        "change": chat.change,
        "created_at": chat.created_at,
        "last_activity_at": chat.last_activity_at,
    }


def memberships(chat: Chat) -> list[dict[str, Any]]:
    """A row of `membership` for each who is still in it."""
    return [
        {
            "conversation": chat.id,
            "person": stay.person,
            "joined_at": stay.joined_at,
            "read_position": stay.read_position,
        }
        for stay in chat.stays
        if stay.left_at is None
    ]


def message(draft: Draft, chat: Chat) -> dict[str, Any]:
    """A row of `message`."""
    return {
        "id": draft.id,
        "conversation": chat.id,
        "position": draft.position,
        "change": draft.change,
        "author": draft.author,
        "key": draft.key,
        "kind": "system" if draft.event else "text",
        "body": draft.body,
        "event": draft.event,
        "subject": draft.subject,
        "reply_to": draft.reply_to.id if draft.reply_to else None,
        "created_at": draft.said_at,
        "edited_at": draft.edited_at,
        "deleted_at": draft.deleted_at,
    }


def mentions(draft: Draft, chat: Chat, people: Mapping[str, int]) -> list[dict[str, Any]]:
    """A row of `mention` for each whom the message names, of those who are in the conversation."""
    if "@" not in draft.body or not draft.counts:
        return []
    there = {stay.person for stay in chat.stays}
    named = {name: people[name] for name in markup.names(draft.body) if name in people}
    return [
        {"message": draft.id, "person": person, "name": name}
        for name, person in named.items()
        if person in there and person != draft.author
    ]
