"""Who may come in: people with their credentials, their sessions, and links that reset a password."""

from piccolo.columns import Array, BigInt, BigSerial, Boolean, Bytea, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table


class Person(Table, tablename="person"):
    """A person who has, or had, an account."""

    id = BigSerial(primary_key=True)
    username = Text(unique=True)
    # Look-alikes share a skeleton ("paul" and "pau1"), so nobody can pass for another.
    skeleton = Text(unique=True)
    name = Text()
    email = Text()
    # The address in lower case: one account for each mailbox, however it is typed.
    email_key = Text(unique=True)
    password_hash = Text()
    role = Text(default="student")
    language = Text(default="en")
    time_zone = Text(default="UTC")
    # Name and username without case and accents, for the directory.
    search_key = Text()
    # A few words that others read on their page.
    about = Text(default="")
    # The digest of their picture, which is in its address: it stands beside the name wherever that is read.
    avatar = Text(null=True, default=None)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    deactivated_at = Timestamptz(null=True, default=None)
    # How often they blocked or unblocked someone: pages ask for a new style sheet when it changes.
    blocks = Integer(default=0)
    # Whoever comes by the link with this code is a contact at once; made when the link is first wanted.
    contact_code = Text(unique=True, null=True, default=None)
    # A program, which has no password and no address; and who made it, unless the house did.
    bot = Boolean(default=False)
    bot_owner: ForeignKey["Person"] = ForeignKey("self", on_delete=OnDelete.set_null, null=True, default=None)


class Names(Table, tablename="names"):
    """One row: `change` moves when a name, username, picture or role of anyone does, or their account is closed; by a
    trigger, in the same transaction. So what was made with the names is right for as long as it stands still."""

    id = Integer(primary_key=True)
    change = BigInt(default=0)


class Avatar(Table, tablename="avatar"):
    """The picture of a person, in the database: so a backup has it, and every process and dyno."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False, unique=True)
    digest = Text()
    bytes = Bytea()


class Session(Table, tablename="session"):
    """One signed-in device. Both its tokens name it, so ending the row ends the tokens."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    # How often the refresh token was rotated: a token of an older generation that comes back was stolen.
    generation = Integer(default=0)
    rotated_at = Timestamptz()
    device = Text()
    address = Text()
    created_at = Timestamptz()
    last_used_at = Timestamptz()
    expires_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)


class PasswordReset(Table, tablename="password_reset"):
    """A link that was mailed; only its hash is kept."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    token_hash = Bytea(unique=True)
    created_at = Timestamptz()
    expires_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)


class EmailChange(Table, tablename="email_change"):
    """An address that somebody wants from now on: theirs when the link that was mailed there is opened. One at a time;
    its token is made when it is mailed, only the hash is kept, and the row goes when it is used."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False, unique=True)
    email = Text()
    token_hash = Bytea(unique=True, null=True, default=None)
    expires_at = Timestamptz()


class AccessToken(Table, tablename="access_token"):
    """What a program comes in with, as a person or a bot; only its hash is kept. Without `expires_at` it has no end."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    name = Text()
    hash = Bytea(unique=True)
    scopes = Array(base_column=Text())
    created_at = Timestamptz()
    expires_at = Timestamptz(null=True, default=None)
    last_used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
