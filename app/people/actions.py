"""What an administrator decides about people."""

from app.accounts.views import Me
from app.core import database
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.people.policy import ROLES, STAFF


async def set_role(me: Me, username: str, role: str) -> tuple[int, list[int]]:
    """Gives a person a role, from their next request on. Only an administrator may, and one always remains.

    Gives their id and the conversations that they own or look after, which may be others now. Raises Forbidden,
    NotFound, Invalid."""
    if not me.is_admin:
        raise Forbidden(_("Only an administrator can do this."))
    if role not in ROLES:
        raise Invalid(role=_("Choose one of the roles."))
    async with database.transaction():
        # Locked in one order: of two administrators who step down at once, the second sees that they are the last.
        admins = await database.fetch(
            "SELECT id FROM person WHERE role = 'admin' AND deactivated_at IS NULL ORDER BY id FOR NO KEY UPDATE"
        )
        row = await database.fetch_row(
            "SELECT id, bot, bot_owner FROM person WHERE username = $1 AND deactivated_at IS NULL",
            username.strip().lower(),
        )
        if row is None:
            raise NotFound
        person: int = row["id"]
        if role == "admin" and row["bot"]:
            raise Invalid(role=_("A bot cannot be an administrator."))
        if role != "admin" and [row["id"] for row in admins] == [person]:
            raise Invalid(role=_("There must be an administrator. Make someone else an administrator first."))
        await _require_owner_has(row["bot_owner"], role)
        owned = await database.fetch(
            "SELECT id FROM conversation WHERE owner = $1 AND kind = 'group' OR assignee = $1", person
        )
        await database.fetch("UPDATE person SET role = $2, updated_at = now() WHERE id = $1", person, role)
        if role not in STAFF:  # what they may not any more, their bots may not for them
            await database.fetch(
                "UPDATE person SET role = $2, updated_at = now() WHERE bot_owner = $1 AND role = ANY($3)",
                person,
                role,
                list(STAFF),
            )
    return person, [row["id"] for row in owned]


async def _require_owner_has(owner: int | None, role: str) -> None:
    """A bot is of the staff only while its owner is. Stands under the lock of who changes roles. Raises Invalid."""
    if owner is not None and role in STAFF:
        of_owner = await database.fetch_value("SELECT role FROM person WHERE id = $1", owner)
        if of_owner not in STAFF:
            raise Invalid(role=_("A bot cannot have a role that its owner does not have."))
