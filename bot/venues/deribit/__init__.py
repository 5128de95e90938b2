"""The connection to Deribit: ccxt's own client hardened, behind the port of every venue.

`venue.DeribitVenue` is what a driver constructs, with the `terms` that it sets. In the order of the
flow: `client` (on `transport`, with the values of `derived`) and `requests` carry messages,
`session` keeps a connection and `backoff` its pauses, `environment` and `grants` judge who answers
and what our key may do there, `channels` what we listen to, `tasks` what runs, `credits` what we
may ask; `public` and `private` are the two halves; `directory`, `feeds`, `delivery`,
`account`, `whatif` and `orders` turn messages into events, and `union` those of several accounts
into one report; `listing`, `prices`, `reports` and `books` read them, `fields` with suspicion, and
`flaws` says what was wrong; `inbox` hands them out. `probe` only looks.

Import what is used from its module: `client` and whatever stands on it import ccxt.
"""

__all__: list[str] = []
