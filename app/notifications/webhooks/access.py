"""Who looks after webhooks: of a group its owner, of the general room and the announcements the administrators, and so
of those of the whole instance."""

from app.accounts.views import Me
from app.conversations import access, permission
from app.core import database
from app.core.errors import Forbidden, NotFound
from app.core.i18n import _
from app.people.policy import STAFF, Policy


async def manager(me: Me, conversation: int | None) -> None:
    """Raises NotFound for who is not in the conversation, Forbidden for who does not look after it. Without a
    conversation: of the instance."""
    if conversation is None:
        if not me.is_admin:
            raise Forbidden(_("Only an administrator can do this."))
        return
    may = await access.member(conversation, me)
    if may.kind == "group":
        may.require_owner()
        permission.require_invitations(me)
    elif may.kind not in ("general", "announcements"):
        raise Forbidden(_("Only groups, the general room and the announcements can have webhooks."))
    elif not me.is_admin:
        raise Forbidden(_("Only an administrator can do this."))


async def of_subscription(me: Me, subscription: int) -> int | None:
    """The conversation of a subscription that the person looks after, None for one of the instance. Raises NotFound,
    Forbidden."""
    row = await database.fetch_row("SELECT conversation FROM subscription WHERE id = $1", subscription)
    if row is None or (row["conversation"] is None and not me.is_admin):
        raise NotFound
    await manager(me, row["conversation"])
    conversation: int | None = row["conversation"]
    return conversation


def still_may(policy: Policy, who: str = "p", what: str = "s") -> str:
    """The same as a condition for the owner `p` of a subscription `s`, or the maker of a webhook, whose conversation is
    `c`, or null: asked each time that something leaves or comes."""
    staff = ", ".join(f"'{role}'" for role in sorted(STAFF))
    by_role = "true" if policy == "open" else f"{who}.role IN ({staff})"
    return f"""
        {who}.deactivated_at IS NULL AND CASE WHEN {what}.conversation IS NULL THEN {who}.role = 'admin' ELSE
            c.deleted_at IS NULL
            AND EXISTS (SELECT FROM membership inside WHERE inside.conversation = c.id AND inside.person = {who}.id)
            AND CASE WHEN c.kind = 'group' THEN c.owner = {who}.id AND {by_role} ELSE {who}.role = 'admin' END
        END
    """


async def one_after_the_other(me: Me, conversation: int | None) -> None:
    """Whoever makes two at once makes them one after the other, and so do two who make one for the same conversation
    (or the instance): what was counted holds until the end of the transaction."""
    await database.fetch("SELECT id FROM person WHERE id = $1 FOR NO KEY UPDATE", me.id)
    # Not the row of the conversation, for which all who write wait.
    await database.fetch("SELECT pg_advisory_xact_lock(hashtext('webhooks'), hashint8($1))", conversation or 0)
