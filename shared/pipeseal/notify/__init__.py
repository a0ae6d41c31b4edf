"""What subscribers and CloudWatch receive: alerts, reminders, metrics."""
