"""What happened in accounts that is worked on later."""

import msgspec


class PasswordResetAsked(msgspec.Struct):
    """Someone typed this address at "forgotten password". Whether it has an account, only the worker finds out."""

    email: str


class TextsUnwanted(msgspec.Struct):
    """Someone deleted their account and does not want what they wrote to stay."""

    person: int


class EmailChangeAsked(msgspec.Struct):
    """Someone wants another address from now on (a row of `email_change`). Whether another account has it, only the
    worker finds out."""

    change: int


class EmailChanged(msgspec.Struct):
    """Someone has another address now: who reads at the old one is told."""

    person: int
    old: str
