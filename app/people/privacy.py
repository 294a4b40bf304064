"""What a person tells others of themselves: whether they are there, and what they have read."""

from app.accounts.views import Me
from app.core import database
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.people.views import PrivacyView

CHOICES = ("auto", "away", "busy")
SHOWN_TO = ("everyone", "contacts", "nobody")


async def of(me: Me) -> PrivacyView:
    """What they chose, or what holds for who has not."""
    row = await database.fetch_row("SELECT choice, shown_to, tells_receipts FROM presence WHERE person = $1", me.id)
    return PrivacyView(*row) if row else PrivacyView()


async def choose(me: Me, state: str | None, shown_to: str | None, receipts: bool | None) -> PrivacyView:
    """Changes what is given, and leaves the rest. Raises Invalid, and NotFound for who has left meanwhile."""
    wrong = {}
    if state is not None and state not in CHOICES:
        wrong["state"] = _("Choose one of the options.")
    if shown_to is not None and shown_to not in SHOWN_TO:
        wrong["shown_to"] = _("Choose one of the options.")
    if wrong:
        raise Invalid(**wrong)
    row = await database.fetch_row(
        """
        INSERT INTO presence AS s (person, choice, shown_to, tells_receipts)
        SELECT id, coalesce($2, 'auto'), coalesce($3, 'everyone'), coalesce($4, true)
        FROM person WHERE id = $1 AND deactivated_at IS NULL FOR SHARE
        ON CONFLICT (person) DO UPDATE SET choice = coalesce($2, s.choice), shown_to = coalesce($3, s.shown_to),
            tells_receipts = coalesce($4, s.tells_receipts)
        RETURNING choice, shown_to, tells_receipts
        """,
        me.id,
        state,
        shown_to,
        receipts,
    )
    if row is None:  # they left meanwhile
        raise NotFound
    return PrivacyView(*row)
