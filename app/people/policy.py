"""Who may write to whom, and where: pure functions over one table of truth, and the same as SQL for the send itself.

`open`: everyone to everyone. `school`: students and parents write to those whose work it is to answer, not among
themselves; teachers and administrators write to all, and the groups are theirs.
"""

from typing import Literal

Policy = Literal["open", "school"]
ROLES = ("student", "parent", "teacher", "admin")
STAFF = frozenset({"teacher", "admin"})
EVERYONE = frozenset(ROLES)

# Whom each role may write to.
TABLE: dict[Policy, dict[str, frozenset[str]]] = {
    "open": dict.fromkeys(ROLES, EVERYONE),
    "school": {
        "student": EVERYONE - {"student"},
        "parent": EVERYONE - {"parent"},
        "teacher": EVERYONE,
        "admin": EVERYONE,
    },
}


def may_write_to(policy: Policy, author: str, reader: str) -> bool:
    """Whether someone of one role may write a direct message to, or invite, someone of another."""
    return reader in TABLE[policy][author]


def may_make_groups(policy: Policy, role: str) -> bool:
    """Whether someone of that role may make groups, and look after those that they own."""
    return policy == "open" or role in STAFF


def may_write_in_group(policy: Policy, role: str, owner: str | None) -> bool:
    """Whether a member of that role may write in a group whose owner has the other one: a group is written in while
    one of the staff looks after it. When its owner becomes a student, it is the staff's until it is handed over."""
    return policy == "open" or role in STAFF or owner in STAFF


def may_write_in_general(policy: Policy, role: str, everyone_writes: bool) -> bool:
    """Whether someone of that role may write in the general room; an administrator may open it to all."""
    return policy == "open" or role in STAFF or everyone_writes


def may_answer(policy: Policy, role: str) -> bool:
    """Whether someone of that role is of the team that everyone may ask: sees what is asked, answers, assigns, closes.
    By either policy: it is their work, wherever that is."""
    return role in STAFF


def may_announce(role: str) -> bool:
    """Whether someone of that role may tell everyone something that nobody answers; by either policy."""
    return role == "admin"


def writers_sql(policy: Policy) -> str:
    """The same as a condition for the person `a` in the conversation `c`: asked in the very statement that keeps a
    message, so nobody slips through between a question and the send."""
    if policy == "open":
        return "true"
    staff = ", ".join(f"'{role}'" for role in sorted(STAFF))
    pairs = ", ".join(
        f"('{author}', '{reader}')" for author in ROLES for reader in ROLES if may_write_to(policy, author, reader)
    )
    return f"""
        CASE c.kind
        WHEN 'direct' THEN NOT EXISTS (
            SELECT FROM membership o JOIN person r ON r.id = o.person
            WHERE o.conversation = c.id AND o.person <> a.id AND (a.role, r.role) NOT IN ({pairs})
        )
        WHEN 'general' THEN a.role IN ({staff}) OR c.everyone_writes
        WHEN 'announcements' THEN a.role = 'admin'
        WHEN 'support' THEN a.id = c.owner OR a.role IN ({staff})
        ELSE a.role IN ({staff}) OR EXISTS (SELECT FROM person r WHERE r.id = c.owner AND r.role IN ({staff}))
        END
    """
