"""Fits of the synthetic market to recordings: `python -m bot.lab.calibrate FOLDER`.

The same estimators look at recorded and at generated markets, so that both columns of the printed
table mean the same. It prints; it changes nothing: the parameters stand in
bot/sim/market/params.py.
"""

__all__: list[str] = []
