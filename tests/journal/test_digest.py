"""Equal runs have equal digests, and a run that differs in one digit has another."""

import subprocess
import sys
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from bot.domain.orders import OrderState as S
from bot.journal import Digest, Journal
from bot.journal.digest import canonical
from tests.journal.records import decision, fill, intent, moved, run_start, sample


def digest(*items) -> str:
    """Return the digest of decisions."""
    found = Digest()
    for item in items:
        found.record(item)
    return found.hexdigest()


def test_canonical_text_has_fields_in_order_and_exact_numbers():
    """The form is fixed: another would change every digest that was ever printed."""
    assert canonical(fill()) == (
        '["Fill","BTC-1","demo-1-1","BTC-PERPETUAL",["Quantity","-165000","usd"],"89999.5",'
        '0.00091667,"BTC",false,1767594601300000000]'
    )


def test_known_digest_of_one_decision_intent_and_fill():
    """The digest does not change with the machine, the process or the release of a library."""
    found = Digest()
    found.record(decision())
    found.intent(intent())
    found.fill(fill())
    assert found.hexdigest() == "a110ffdec71e39710608eacff8c1485dcb320a942af325ff051967e1b64c5f7e"


def test_digest_is_the_same_in_another_process_with_another_hash_seed():
    """No order of a set or of a hash leaks into it."""
    script = (
        "from bot.journal import Digest\nfrom tests.journal.records import decision\n"
        "d = Digest()\nd.record(decision())\nprint(d.hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert printed == {digest(decision())}


@pytest.mark.parametrize(
    "other",
    [
        decision(2),
        decision(delta_coin=float(np.nextafter(1.8342, 2.0))),
        decision(snapshot={"age_s": 0.25}),
        decision(reasons=()),
        decision(trades=(replace(decision().trades[0], cost_usd=41.26),)),
    ],
)
def test_any_difference_shows(other):
    """One bit of one figure is another run."""
    assert digest(decision()) != digest(other)


def test_order_of_decisions_shows_and_order_of_a_snapshot_does_not():
    """Time has an order; a mapping has none."""
    snapshot = decision().snapshot
    turned = decision(snapshot=MappingProxyType(dict(reversed(list(snapshot.items())))))
    assert digest(turned) == digest(decision())
    assert digest(decision(1), decision(2)) != digest(decision(2), decision(1))


def test_numpy_scalars_count_as_their_numbers():
    """A figure that comes out of an array is the same figure."""
    assert digest(decision(delta_coin=np.float64(1.8342), ts_ns=np.int64(5))) == digest(
        decision(delta_coin=1.8342, ts_ns=5)
    )


def test_what_follows_from_decisions_is_not_hashed():
    """Samples and transitions may be taken at other moments without another digest."""
    found = Digest()
    found.record(sample())
    found.record(moved(1, S.INTENDED, S.SENT))
    assert found.hexdigest() == Digest().hexdigest()


def test_value_without_a_canonical_form_is_refused():
    """A silent repr would make digests that no other run can have."""
    with pytest.raises(TypeError, match="expected a value with a canonical form, found object"):
        canonical({"x": object()})


def test_journal_keeps_the_digest_of_its_run(tmp_path):
    """The file's digest is that of the plain class, and begins anew with each run."""
    journal = Journal.open(tmp_path, "demo")
    plain = Digest()
    found = []
    for _ in range(2):
        journal.begin_run(run_start())
        journal.record(decision())
        journal.intent(intent())
        journal.fill(fill())
        found.append(journal.digest.hexdigest())
    journal.close()
    plain.record(decision())
    plain.intent(intent())
    plain.fill(fill())
    assert found == [plain.hexdigest()] * 2


def test_what_a_shadow_would_have_done_is_not_part_of_what_was_done():
    """With or without it a run has the same digest."""
    plain, shadowed = Digest(), Digest()
    for found in (plain, shadowed):
        found.record(decision(1))
    shadowed.record(decision(2, kind="shadow"))
    assert plain.hexdigest() == shadowed.hexdigest()
