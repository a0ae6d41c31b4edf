"""Kinds of resource, one folder each: its value, its CloudTrail events, its API calls, its code snippets.

`registry` lists the kinds. `docs/adding-a-kind.md` shows what a new one needs.
"""
