"""People are told what somebody has to look at, by way of chat, mail or a webhook.

events     what happened and is worth a message, and how urgent it is
patience   the same kind of such a message once in a while; critical ones always
troubles   what stands now that somebody has to know
doubts     those of a run that somebody has to look at
standing   told when it has lasted, again from time to time, and at its end
channels   addresses of apprise, each with a queue of its own: one that hangs holds up nobody
days       which day's report is due, over restarts
outlet     all of them together, and the day's report
"""

from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.days import Days
from bot.monitor.alerts.outlet import Alerts

__all__ = ["Alert", "Alerts", "Days", "Severity"]
