"""One event's way: what is on disk when."""

from contextlib import closing

from bot.domain.events import Filled
from bot.domain.positions import HEDGE_TAG
from bot.stepper import Stepper
from tests.simulation.drive import PERPETUAL, book
from tests.simulation.live import live

STRADDLE = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))


def test_hedges_that_positions_alone_have_shown_are_saved_with_them(tmp_path):
    """No trade of them will ever be told: a later run would take them for the owner's."""
    run = live(book(*STRADDLE, band=0.1), tmp_path, seed=3)
    core, venue, holdings = run.paper.core, run.paper.venue, run.paper.core.floor.book.holdings
    with closing(run.journal) as journal:
        steps = Stepper(
            core,
            venue,
            journal,
            run.paper.market.start_ns,
            views=lambda _: (),
            account=lambda: (tuple(holdings.positions.values()), tuple(holdings.balances.values())),
        )
        while not holdings.closed:
            event = venue.next_event()
            assert event is not None
            if not isinstance(event, Filled):
                steps.step(event)
        journal.commit()
        saved = journal.last_account()
        assert saved is not None
        ours = {p.instrument: p.quantity.value for p in saved.positions if p.tag == HEDGE_TAG}
        assert ours == {PERPETUAL: venue.exchange.holdings[PERPETUAL].quantity}
