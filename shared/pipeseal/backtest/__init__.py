"""What pipeseal would have done: CloudTrail records, replayed through the controls. Nothing is written to AWS."""
