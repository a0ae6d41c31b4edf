"""What would have happened: CloudTrail's own records, replayed through the same controls; nothing is written."""
