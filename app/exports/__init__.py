"""Everything out again: a conversation or all of a person's data as PDF, CSV or JSON, signed if they like."""
