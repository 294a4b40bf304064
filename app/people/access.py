"""Which people a person may see. Every query for people on behalf of someone goes through here."""

# Everyone with an account sees everyone whose account is open.
VISIBLE = "p.deactivated_at IS NULL"
