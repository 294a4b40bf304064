"""Which usernames may be taken: their form, those that are reserved, and look-alikes."""

import re

FORM = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
SHORTEST, LONGEST = 3, 30

# Names that would speak for the house, address everyone, or stand in our URLs.
RESERVED = frozenset(
    """
    about abuse account accounts admin administrator administrateur all announcements anonymous api app archive
    auth bot bots broadcast causerie channel contact contacts conversation conversations demo-admin deleted direct
    directory docs equipe everybody everyone everything export exports feedback general health help here
    hostmaster info inbox join live login logout mail mailer-daemon me member members mention mentions message
    messages moderator moderators new nobody none notification notifications null online operator owner owners
    page password people person postmaster privacy room root school search security settings signup staff static
    stats status student students support sysadmin system team teacher teachers terms tous toutlemonde
    undefined
    unknown user users webhook webhooks webmaster
    """.split()
)

# What the eye confuses in most typefaces: the digit or pair on the left is read as the letter on the right.
_LOOKALIKES = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("_", "-"), (".", "-"))


def skeleton(username: str) -> str:
    """What two usernames share when they look alike; stored unique (the idea of Unicode TR 39, for our ASCII form).

    Digits in a run, such as a year or a number, are kept apart from letters: "anna10" and "annaio" are alike, but
    "anna10" and "anna11" are not.
    """
    text = username.lower()
    for seen, read in _LOOKALIKES:
        text = text.replace(seen, read)
    return text


def is_reserved(username: str) -> bool:
    """Whether the name, or one that looks like it, is kept for the house."""
    return username in RESERVED or skeleton(username) in _RESERVED_SKELETONS


_RESERVED_SKELETONS = frozenset(skeleton(name) for name in RESERVED)
