"""Tell people that something waits for them. A message carries ids, counts and a link; never a value."""

from maskgate.notify.plain_text import plain
from maskgate.notify.slack import NotSent, SlackWebhook

__all__ = ["NotSent", "SlackWebhook", "plain"]
