"""The right to hedge an account: one bot for each underlying of it."""

import os
import re
import time

import pytest

from bot.domain.errors import JournalError
from bot.journal import AccountLock
from bot.journal.lock import MONITOR, SILENT_S, Lock, holder, lives, silence_s


def take(folder, account="127.0.0.1:8080-7", coins=("BTC", "ETH"), instance="one"):
    """Take the lock of an account."""
    return AccountLock.take(folder, account, coins, instance)


def test_a_second_bot_is_told_who_hedges_the_account(tmp_path):
    """With what was expected and what to do."""
    first = take(tmp_path)
    words = (
        r"expected to be the only bot that hedges ETH in account 127\.0\.0\.1:8080-7, "
        r"found it held by 'one', pid \d+ on .+: stop that one first"
    )
    with pytest.raises(JournalError) as caught:
        take(tmp_path, coins=("SOL", "ETH"), instance="two")
    assert re.fullmatch(words, str(caught.value))
    take(tmp_path, coins=("SOL",)).release()  # what a refused bot had taken is free again
    first.release()
    take(tmp_path).release()


def test_other_coins_and_other_accounts_are_free(tmp_path):
    """Two bots may share an account, and one bot's account is nobody else's."""
    locks = [take(tmp_path, coins=("BTC",)), take(tmp_path, coins=("ETH",))]
    locks.append(take(tmp_path, account="127.0.0.1:8080-8"))
    for lock in locks:
        lock.release()


def test_no_account_name_leads_out_of_the_folder(tmp_path):
    """The venue's word is no path."""
    take(tmp_path / "state", account="../../x/é")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert sorted(path.name for path in (tmp_path / "state" / ".accounts").iterdir()) == [
        ".._.._x__-BTC.lock",
        ".._.._x__-ETH.lock",
    ]


def test_a_holder_that_does_not_show_that_it_lives_is_silent(tmp_path):
    """Whether its file is old or, by a clock that was set back, of the future."""
    assert silence_s(tmp_path, MONITOR) is None
    assert holder(tmp_path, MONITOR) == "an unknown process"
    lock = Lock(tmp_path / MONITOR, "the only one", "")
    assert lives(tmp_path, MONITOR)
    assert holder(tmp_path, MONITOR).startswith(f"pid {os.getpid()} on ")
    for off_s in (-SILENT_S - 5.0, SILENT_S + 5.0):
        at_s = time.time() + off_s
        os.utime(tmp_path / MONITOR, (at_s, at_s))
        assert silence_s(tmp_path, MONITOR) == pytest.approx(abs(off_s), abs=4.0)
        assert not lives(tmp_path, MONITOR)
        lock.show()
        assert lives(tmp_path, MONITOR)
    lock.release()
    lock.show()
    assert silence_s(tmp_path, MONITOR) is None
    assert not lives(tmp_path, MONITOR)
