"""What people do with what they were told of, and the notifications that come from no message."""

from app.accounts.views import Me
from app.core import database, sweeps
from app.notifications import queries
from app.notifications.access import JOINED, READ_IN_CENTRE
from app.notifications.gather import BY_APP, BY_MAIL, BY_PUSH, MAIL_AFTER, PUSH_AFTER
from app.people.contacts import AGAIN_AFTER

# Read or not, they go after so long.
KEPT = "90 days"
# What was told of a contact $3 who is not the one of now: there is another row, or another answer, since. Who was
# declined may ask again after the time $4, with the same row. It goes for good: beside the new one it would be the same
# request once more.
FORGET = """
    DELETE FROM notification n
    WHERE n.person = $1 AND n.kind = $2 AND n.actor = $3 AND n.conversation IS NULL
      AND (n.read_at IS NULL OR n.kind = 'contact_request')
      AND CASE n.kind
          WHEN 'contact_request' THEN NOT EXISTS (
              SELECT FROM contact k WHERE k.asker = n.actor AND k.asked = n.person AND k.created_at <= n.created_at
                AND n.created_at > now() - $4::interval AND k.accepted_at IS NULL AND k.declined_at IS NULL)
          WHEN 'contact_accepted' THEN NOT EXISTS (
              SELECT FROM contact k WHERE k.asker = n.person AND k.asked = n.actor AND k.accepted_at <= n.created_at)
          ELSE false END
"""


async def mark_read(me: Me, number: int) -> None:
    """Marks one as read; again changes nothing. Raises NotFound."""
    await queries.one(me, number)
    await _mark("n.id = $2", me.id, number)


async def mark_all_read(me: Me) -> None:
    """Marks as read whatever they were told of so far."""
    await _mark("true", me.id)


async def delete(me: Me, number: int) -> None:
    """Takes one away for good; raises NotFound."""
    await queries.one(me, number)
    await database.fetch("DELETE FROM notification WHERE person = $1 AND id = $2", me.id, number)


async def delete_read(me: Me) -> None:
    """Takes away what is read."""
    await database.fetch(
        f"""
        DELETE FROM notification d USING {JOINED} WHERE d.id = n.id AND n.person = $1 AND n.in_app AND {READ_IN_CENTRE}
        """,
        me.id,
    )


async def tell(person: int, kind: str, actor: int) -> int | None:
    """Tells a person of something that is not said in a conversation; gives the number for the bell, or None when they
    want to hear nothing of it or may not. The same again while it is unread changes nothing; but what was unread of a
    request that was taken back or answered is over, and what comes now is told anew."""
    await database.fetch(FORGET, person, kind, actor, AGAIN_AFTER)
    row = await database.fetch_row(
        f"""
        WITH g AS (SELECT $2::text AS kind)
        INSERT INTO notification AS n (person, kind, actor, in_app, mail_at, push_at)
        SELECT p.id, g.kind, $3, {BY_APP}, CASE WHEN {BY_MAIL} THEN now() + $4::interval END,
               CASE WHEN {BY_PUSH} THEN now() + $5::interval END
        FROM g CROSS JOIN person p LEFT JOIN notification_settings s ON s.person = p.id
        WHERE p.id = $1 AND p.deactivated_at IS NULL AND ({BY_APP} OR {BY_MAIL} OR {BY_PUSH})
          AND EXISTS (SELECT FROM person a WHERE a.id = $3 AND a.deactivated_at IS NULL)
        ON CONFLICT (person, kind, actor) WHERE read_at IS NULL AND conversation IS NULL AND export IS NULL
        DO NOTHING
        RETURNING n.id, n.in_app
        """,
        person,
        kind,
        actor,
        MAIL_AFTER,
        PUSH_AFTER,
    )
    return row["id"] if row is not None and row["in_app"] else None


async def tell_of_export(person: int, export: int, ready: bool) -> int | None:
    """Tells a person how an export of theirs ended: once, but anew when one that had failed was made after all. Gives
    the number for the bell, or None as `tell` does, and when it is deleted by now: then this is, too."""
    row = await database.fetch_row(
        f"""
        WITH g AS (SELECT $3::text AS kind)
        INSERT INTO notification AS n (person, kind, actor, export, in_app, mail_at, push_at)
        SELECT p.id, g.kind, p.id, $2, {BY_APP}, CASE WHEN {BY_MAIL} THEN now() + $4::interval END,
               CASE WHEN {BY_PUSH} THEN now() + $5::interval END
        FROM g CROSS JOIN person p LEFT JOIN notification_settings s ON s.person = p.id
        WHERE p.id = $1 AND p.deactivated_at IS NULL AND ({BY_APP} OR {BY_MAIL} OR {BY_PUSH})
          AND EXISTS (SELECT FROM export e WHERE e.id = $2)
        ON CONFLICT (export) WHERE export IS NOT NULL DO UPDATE
        SET kind = excluded.kind, read_at = NULL, updated_at = now(), mail = NULL, in_app = excluded.in_app,
            mail_at = excluded.mail_at, push_at = excluded.push_at
        WHERE n.kind <> excluded.kind
        RETURNING n.id, n.in_app
        """,
        person,
        export,
        "export" if ready else "export_failed",
        MAIL_AFTER,
        PUSH_AFTER,
    )
    return row["id"] if row is not None and row["in_app"] else None


async def sweep() -> bool:
    """Deletes some of what is older than KEPT; whether there may be more."""
    return await sweeps.sweep("notification", f"updated_at < now() - interval '{KEPT}'")


async def _mark(condition: str, *args: object) -> None:
    await database.fetch(
        f"""
        UPDATE notification n SET read_at = now(), mail_at = NULL, push_at = NULL
        WHERE n.person = $1 AND n.read_at IS NULL AND {condition}
        """,
        *args,
    )
