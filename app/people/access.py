"""Which people a person may see. Every query for people on behalf of someone goes through here."""


def visible(viewer: str) -> str:
    """The condition under which the viewer (a parameter, such as $2) sees the person `p`: their account is open, and
    neither of the two has blocked the other."""
    return f"""
        p.deactivated_at IS NULL
        AND NOT EXISTS (SELECT FROM block b WHERE b.person = {viewer} AND b.blocked = p.id)
        AND NOT EXISTS (SELECT FROM block b WHERE b.person = p.id AND b.blocked = {viewer})
    """
