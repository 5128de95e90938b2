"""The connection to Deribit: ccxt's own client hardened, behind the port of every venue.

`venue.DeribitVenue` is what a driver constructs, with the `terms` that it sets. In the order of the
flow: `client` and `requests` carry messages, `session` keeps a connection, `channels` what we
listen to, `tasks` what runs, `credits` what we may ask; `public` and `private` are the two halves;
`directory`, `feeds`, `delivery`, `account`, `whatif` and `orders` turn messages into events;
`listing`, `prices`, `reports` and `books` read them, `fields` with suspicion, and `flaws` says what
was wrong; `inbox` hands them out.

Import what is used from its module: `client` and whatever stands on it import ccxt.
"""

__all__: list[str] = []
