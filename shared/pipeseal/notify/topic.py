"""Send alerts and reminders to the SNS topic: JSON for machines, text for email."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeseal.notify.email import alert_body, alert_subject, reminder_body, reminder_subject

if TYPE_CHECKING:
    from pipeseal.aws.clients import Client
    from pipeseal.notify.alert import Alert
    from pipeseal.notify.reminder import Reminder

_TOPIC_SUFFIX = "-alerts"


@dataclass(frozen=True, slots=True)
class Notifier:
    """The topic with the ARN *topic*, reached through *client* (sns)."""

    client: Client
    topic: str

    def send_alert(self, alert: Alert) -> None:
        """Send *alert* to all subscribers."""
        self._publish(alert, alert_subject(alert), alert_body(alert, self._stack))

    def send_reminder(self, reminder: Reminder) -> None:
        """Send *reminder* to all subscribers."""
        self._publish(reminder, reminder_subject(reminder), reminder_body(reminder, self._stack))

    @property
    def _stack(self) -> str:
        """The name of the stack: template.yaml names the topic after it."""
        return self.topic.rpartition(":")[2].removesuffix(_TOPIC_SUFFIX)

    def _publish(self, message: Alert | Reminder, subject: str, email_body: str) -> None:
        """Publish *message*; its message attributes are what subscription filter policies match."""
        texts = {
            "severity": message["severity"],
            "action": message["action"],
            "account": message["account"],
            "region": message["region"],
        }
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in texts.items()}
        attributes["control"] = {"DataType": "String.Array", "StringValue": json.dumps(message["controls"])}
        self.client.publish(
            TopicArn=self.topic,
            Subject=subject,
            MessageStructure="json",
            Message=json.dumps({"default": json.dumps(message), "email": email_body}),
            MessageAttributes=attributes,
        )
