"""Tell people that something waits for them. A message carries ids, counts and a link; never a value."""

from maskgate.notify.email import Email, MailServer
from maskgate.notify.plain_text import plain
from maskgate.notify.slack import SlackWebhook
from maskgate.notify.teams import TeamsWebhook
from maskgate.notify.webhook import NotSent

__all__ = ["Email", "MailServer", "NotSent", "SlackWebhook", "TeamsWebhook", "plain"]
