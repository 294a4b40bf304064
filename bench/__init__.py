"""`make bench`: Causerie measured beside a raw asyncio server, in the same run."""
