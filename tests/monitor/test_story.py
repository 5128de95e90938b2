"""What a listener keeps of what it was told."""

from bot.domain.orders import OrderState
from bot.domain.reasons import Because, Reason
from bot.monitor.story import Story
from tests.journal.records import decision, fill, hedge_done, intent, moved

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


def test_an_order_and_its_fills_are_told_with_the_decision_of_its_intent():
    """The venue names the label alone; an order of an earlier run goes back to nothing."""
    story = Story()
    story.hear(intent(1, decision="d7"))
    (sent,) = story.hear(moved(1, OrderState.INTENDED, OrderState.SENT))
    (filled,) = story.hear(fill(1))
    (stranger,) = story.hear(fill(2))
    assert [told.cause for told in (sent, filled, stranger)] == ["d7", "d7", ""]


def test_the_labels_of_old_orders_are_not_kept_for_ever():
    """The newest thousand are."""
    story = Story()
    for number in range(1, 1_202):
        story.hear(intent(number))
    assert len(story._causes) == 1_000
    assert [told.cause for told in story.hear(fill(1_201))] == ["d1201"]
