"""`venues`: what the exchanges with options offer to somebody who hedges."""

from dataclasses import asdict

from bot.cli import say
from bot.cli.options import AsJson


def venues(as_json: AsJson = False) -> int:
    """List every exchange of ccxt with options: what it offers, and how fit that makes it.

    No network is used. One exchange can be traded on by this program: the one with an adapter.
    """
    from bot.cli.exits import Exit
    from bot.venues.survey import survey

    offers = survey()
    if as_json:
        say.json({"venues": [asdict(one) for one in offers]})
        return Exit.FINE
    rows = []
    for one in offers:
        row = asdict(one)
        row.pop("why")
        rows.append({name: _word(value) for name, value in row.items()})
    say.records(rows)
    say.line()
    for one in offers:
        say.line(f"{one.exchange}: {one.fitness}. {one.why[0].upper()}{one.why[1:]}.")
    return Exit.FINE


def _word(value: object) -> object:
    return {True: "yes", False: "-"}[value] if isinstance(value, bool) else value
