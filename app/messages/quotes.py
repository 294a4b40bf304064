"""What a reply shows of the message that it answers: its author and the beginning of its text, on one line.

It is read from the original whenever the reply is shown, and kept nowhere else: so an original that was edited, deleted
or erased with its author's account is right in every quote at once, and a change of it writes one row however many
answered. An open page learns of it by the original's own fragment, which brings along how it is quoted from then on
(see static/js/quotes.js): its place in the feed is the proof that nobody misses it.
"""

import html
from typing import NamedTuple

import nh3

from app.core import database
from app.core.text import one_line
from app.messages import markup
from app.messages.views import Author, Quote
from app.people.views import shown_name

MOST = 120
# As much of a text is looked at: it may have marks that are not shown.
_LOOKED_AT = 4 * MOST


class Quoted(NamedTuple):
    """A quote, and the change of the original that it shows."""

    view: Quote
    change: int


# Of the original `q` and its author `r`.
COLUMNS = f"""
    q.change, r.name, q.id, q.position, q.author, r.username, left(q.body, {_LOOKED_AT}), q.deleted_at IS NOT NULL
"""
# What a message `x` quotes, as one column: joined to the others it would cost each page a share of planning. What is
# over is deleted a little later than it is marked, and not quoted meanwhile.
OF_X = f"""
    CASE WHEN x.reply_to IS NOT NULL THEN (
        SELECT ROW({COLUMNS}) FROM message q JOIN person r ON r.id = q.author WHERE q.id = x.reply_to
          AND q.position > (SELECT k.kept_after FROM conversation k WHERE k.id = x.conversation)
    ) END
"""


def quote(id_: int, position: int, author: Author, body: str, deleted: bool) -> Quote:
    """How that message is quoted. Of a deleted one nothing is said but that it was there."""
    return Quote(
        id_, position, Author(author.id, author.username, author.name), "" if deleted else excerpt(body), deleted
    )


def excerpt(body: str) -> str:
    """The beginning of a text as it reads: without marks and line breaks."""
    body = body[:_LOOKED_AT]
    if markup.is_plain(body):
        plain = one_line(body)
    else:
        plain = one_line(html.unescape(nh3.clean(markup.render(body), tags=set()))) or one_line(body)
    return plain if len(plain) <= MOST else f"{plain[: MOST - 1].rstrip()}…"


async def answerable(conversation: int, message_id: int) -> Quoted | None:
    """The message as a reply to it quotes it; None when there is none in that conversation that one can reply to. The
    caller has proved its access to the conversation."""
    row = await database.fetch_row(
        f"""
        SELECT {COLUMNS} FROM message q JOIN person r ON r.id = q.author
        JOIN conversation c ON c.id = q.conversation AND q.position > c.kept_after
        WHERE q.id = $2 AND q.conversation = $1 AND q.kind <> 'system' AND q.deleted_at IS NULL
        """,
        conversation,
        message_id,
    )
    return of_row(row) if row is not None else None


def of_row(row: database.Row) -> Quoted:
    """A row of COLUMNS as a quote."""
    change, name, id_, position, author, username, body, deleted = row
    return Quoted(quote(id_, position, Author(author, username, shown_name(name)), body, deleted), change)
