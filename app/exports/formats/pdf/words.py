"""How the PDF of a person's data calls what is kept: the names of fields and of what stands in them."""

from datetime import datetime, time
from typing import Any

from app.core import i18n
from app.core.i18n import Locale, _
from app.messages.views import Author

# The fields that hold one of a few words of ours, see `known`.
_OF_WORDS = {"role", "presence_shown_to", "app", "mail", "push", "push_shows", "state", "kind", "level"}


def field(name: str) -> str:
    """What a field of `person.py` is called; one that was added since, by its own name."""
    return {
        "username": _("Username"),
        "name": _("Name"),
        "email": _("Email"),
        "pending_email": _("New email, not confirmed yet"),
        "role": _("Role"),
        "about": _("About me"),
        "language": _("Language"),
        "time_zone": _("Time zone"),
        "created_at": _("Since"),
        "updated_at": _("Last changed"),
        "picture": _("Picture"),
        "presence": _("Presence"),
        "presence_shown_to": _("Presence is visible to"),
        "receipts": _("Read receipts"),
        "last_active_at": _("Last seen"),
        "app": _("Notified in Causerie of"),
        "mail": _("Notified by email of"),
        "push": _("Notified on devices of"),
        "push_shows": _("A notification on a device shows"),
        "weekly": _("Weekly summary"),
        "quiet_from": _("Quiet hours from"),
        "quiet_to": _("Quiet hours until"),
        "mail_refused_at": _("Email address last rejected"),
        "device": _("Device"),
        "address": _("Address"),
        "last_used_at": _("Last used"),
        "expires_at": _("Expires"),
        "ended_at": _("Ended"),
        "scopes": _("Permissions"),
        "revoked_at": _("Revoked"),
        "closed_at": _("Closed on"),
        "direction": _("Direction"),
        "events": _("Events"),
        "used_at": _("Last used"),
        "disabled_at": _("Disabled"),
        "state": _("State"),
        "verified": _("Met in person"),
        "kind": _("Type"),
        "person": _("With"),
        "joined_at": _("Since"),
        "pinned": _("Pinned"),
        "archived": _("Archived"),
        "muted_until": _("Muted until"),
        "level": _("Notified of"),
        "of_team": _("As staff"),
    }.get(name, name)


def shown(name: str, value: Any, locale: Locale) -> str:
    """The value of a field in words; empty when there is none."""
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        # For ever is the year 9999, which has no hours after it in some zones.
        return _("forever") if value.year == 9999 else i18n.stamp(value, locale)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, Author):
        return f"{value.name} (@{value.username})"
    if isinstance(value, list):
        return ", ".join(shown(name, each, locale) for each in value)
    # What people wrote stays as it is: somebody may well be called "Owner".
    return _own_words(name, value) or (_known(value) if name in _OF_WORDS else str(value))


def _own_words(name: str, value: Any) -> str:
    """What a word says in that field alone; empty when it has no such words."""
    return {
        ("push_shows", "text"): _("who wrote, and the beginning of the message"),
        ("push_shows", "name"): _("who wrote"),
        ("push_shows", "nothing"): _("only that there is something new"),
        ("presence", "auto"): _("automatic: online while I use Causerie, away after five minutes"),
        ("presence", "away"): _("away"),
        ("presence", "busy"): _("busy"),
        ("direction", "in"): _("From other programs"),
        ("direction", "out"): _("To other programs"),
    }.get((name, str(value)), "")


def _known(value: str) -> str:
    """One of the few words that fields hold; any other text as it is."""
    return {
        "student": _("Student"),
        "parent": _("Parent"),
        "teacher": _("Teacher"),
        "admin": _("Administrator"),
        "asked_by_me": _("requested by me"),
        "asked_by_them": _("requested by them"),
        "accepted": _("accepted"),
        "direct": _("Direct"),
        "group": _("Group"),
        "general": _("General"),
        "announcements": _("Announcements"),
        "support": _("Support request"),
        "owner": _("owner"),
        "member": _("member"),
        "everything": _("everything"),
        "mentions": _("mentions"),
        "nothing": _("nothing"),
        "everyone": _("everyone"),
        "contacts": _("contacts"),
        "nobody": _("nobody"),
    }.get(value, value)


def told(kind: str) -> str:
    """What a notification was about."""
    return {
        "mention": _("A mention"),
        "reply": _("A reply"),
        "direct": _("A direct message"),
        "message": _("A message"),
        "announcement": _("An announcement"),
        "invitation": _("Added to a conversation"),
        "contact_request": _("A contact request"),
        "contact_accepted": _("A new contact"),
        "export": _("An export was ready"),
        "export_failed": _("An export failed"),
    }.get(kind, kind)
