"""The right to hedge an account: one bot for each underlying of it."""

import re

import pytest

from bot.domain.errors import JournalError
from bot.journal import AccountLock


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
