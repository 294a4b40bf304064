"""Jobs that were given up."""

from app.core import database


async def dead_letter(job: str = "PasswordResetAsked", event: str = '{"email": "zoe@example.org"}') -> int:
    """Writes one, and gives its number."""
    found = await database.fetch_value(
        """
        INSERT INTO dead_letter (job, payload, error, tries, first_at)
        VALUES ($1, convert_to('{"key": "k", "event": ' || $2 || '}', 'UTF8'), 'SMTPConnectError', 6,
                now() - interval '2 hours')
        RETURNING id
        """,
        job,
        event,
    )
    assert isinstance(found, int)
    return found
