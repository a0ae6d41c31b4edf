"""Adapters: read, write and list what AWS holds; the only place that imports boto3."""
