"""Judge an account and Region as they are: list, read, decide, report; nothing is written, and no stack is needed."""
