"""May this member write here? The pure rules are in `people/policy`; here are the facts that they are asked with."""

from app.accounts.views import Me
from app.core.errors import Forbidden
from app.core.i18n import _
from app.people import policy


def why_not(
    me: Me, kind: str, owner: str | None, other: str | None, everyone_writes: bool, alone: bool = False
) -> str | None:
    """Why they may not, in the reader's language; None when they may. `owner` and `other` are roles; `alone`: the other
    one of a direct conversation deleted their account."""
    if alone:
        return _("This account has been deleted. Nobody would read your message.")
    if kind == "direct" and other is not None and not policy.may_write_to(me.policy, me.role, other):
        return _("In this school, the two of you cannot write to each other.")
    if kind == "general" and not policy.may_write_in_general(me.policy, me.role, everyone_writes):
        return _("Only teachers and administrators can write here; everyone can read.")
    if kind == "announcements" and not (me.is_admin and policy.may_announce(me.role)):
        return _("Only administrators can post announcements.")
    if kind == "group" and not policy.may_write_in_group(me.policy, me.role, owner):
        return _("No teacher or administrator is in charge of this group, so it is read-only.")
    return None


def require_invitations(me: Me, *roles: str) -> None:
    """Raises Forbidden unless they may make groups, and bring in people of these roles."""
    if not policy.may_make_groups(me.policy, me.role):
        raise Forbidden(_("In this school, only teachers and administrators can create groups."))
    if not all(policy.may_write_to(me.policy, me.role, role) for role in roles):
        raise Forbidden(_("In this school, the two of you cannot write to each other."))


def require_team(me: Me) -> None:
    """Raises Forbidden unless they are of the team that everyone may ask."""
    if me.bot or not policy.may_answer(me.policy, me.role):
        raise Forbidden(_("This is only for teachers and administrators."))


def require_announcer(me: Me) -> None:
    """Raises Forbidden unless they may tell everyone something."""
    reason = why_not(me, "announcements", None, None, everyone_writes=False)
    if reason:
        raise Forbidden(reason)
