"""Check an account and Region as they are now: list, read, plan, report. Nothing is written, and no stack is needed."""
