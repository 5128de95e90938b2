"""People are told what somebody has to look at, by way of chat, mail or a webhook.

rules      what of the news and of how a bot stands is worth a message, and how urgent it is
patience   the same kind of message once in a while; critical ones always
channels   addresses of apprise, each with a queue of its own: one that hangs holds up nobody
days       which day's report is due, over restarts
outlet     all of them together, and the day's report
"""

from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.days import Days
from bot.monitor.alerts.outlet import Alerts

__all__ = ["Alert", "Alerts", "Days", "Severity"]
