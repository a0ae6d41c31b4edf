"""What happens to a resource: detect, plan, remediate, and sweep."""
