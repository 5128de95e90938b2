"""What a listener keeps of what it was told."""

from bot.domain.reasons import Because, Reason
from bot.monitor.story import Story
from tests.journal.records import decision, hedge_done

REFUSED = (Because(Reason.RATE_LIMITED, "BTC", {}),)


def test_a_hedge_is_told_with_its_decision_however_much_was_refused_meanwhile():
    """A refusal has no hedge to come: it is not kept for one."""
    story = Story()
    story.hear(decision(1))
    for second in range(2, 1_000):
        story.hear(decision(second, refused=REFUSED))
    (told,) = story.hear(hedge_done(1))
    assert told.decision == decision(1)
    assert not story._decisions


def test_decisions_whose_orders_were_never_filled_are_not_kept_for_ever():
    """The newest hundred are; an older one's hedge would be told without it."""
    story = Story()
    for second in range(1, 1_000):
        story.hear(decision(second))
    assert len(story._decisions) == 100
    assert [told.decision for told in story.hear(hedge_done(999))] == [decision(999)]
    assert [told.decision for told in story.hear(hedge_done(1))] == [None]
