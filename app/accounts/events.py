"""What happened in accounts that is worked on later."""

import msgspec


class PasswordResetAsked(msgspec.Struct):
    """Someone typed this address at "forgotten password". Whether it has an account, only the worker finds out."""

    email: str
