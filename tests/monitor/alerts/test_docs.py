"""The page of the alerts names what the rules can tell, and the figures that they go by."""

import ast
from pathlib import Path

from bot.monitor.alerts import channels, doubts, events, outlet, troubles
from bot.monitor.alerts.patience import URGENT_S
from config.schema.telling import Alerts

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")


def kinds() -> set[str]:
    """Return the first word or words of every kind that the rules name."""
    found = set()
    files = (Path(str(module.__file__)) for module in (doubts, events, outlet, troubles))
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Alert", "Trouble"}:
            first = node.args[0]
            if isinstance(first, ast.JoinedStr):
                first = first.values[0]
            if isinstance(first, ast.Constant):
                found.add(str(first.value).strip())
            elif isinstance(first, ast.Name) and first.id.isupper():
                found.add(str(getattr(events, first.id, "gone")))
    return found


def test_every_kind_of_message_is_on_the_page():
    """A desk wants to know beforehand what may wake it."""
    assert len(kinds()) >= 12
    missing = [kind for kind in kinds() if f"`{kind}" not in PAGE]
    assert missing == []


def test_the_pages_figures_are_the_rules():
    """Seconds and shares in the text are those in the code."""
    usual, near = Alerts(), troubles.LIQUIDATION
    assert troubles.RARELY == 12.0
    assert "twelve times\nas seldom" in PAGE
    for figure in (
        f"outside its owner's band for {troubles.OUTSIDE_S:.0f} s",
        f"unknown for {troubles.UNKNOWN_S:.0f} s",
        f"decided nothing for {troubles.SILENT_S:.0f} s",
        f"warning from {troubles.MARGIN[0]:.0%}, critical from {troubles.MARGIN[1]:.0%}".replace(
            "%", " %"
        ),
        f"within {near[0] * 100:.0f} %, critical within {near[1] * 100:.0f} %",
        f"`remind_s` ({usual.remind_s:.0f} s;",
        f"`cooldown_s` ({usual.cooldown_s:.0f} s; a state, a command or a run {URGENT_S:.0f} s)",
        f"a queue of {channels.ROOM} of its own",
        f"lost for {troubles.OUTSIDE_S:.0f} s; critical from {troubles.LOST_S:.0f} s",
        f"one that starts, for {troubles.STARTING_S:.0f} s",
        f"refuses for less than {channels.GRACE_S:.0f} s",
        f"lived for {troubles.BACK_S:.0f} s",
        f"after {channels.PROBE_S:.0f} s",
        f"tried four times over {sum(channels.TRIES_S):.0f} s",
    ):
        assert figure in PAGE, figure
    assert len(channels.TRIES_S) == 4
