"""The embedded account: moto behind one door, where every call leaves the CloudTrail record that AWS would make."""

from pipeseal.sandbox.codepipeline import extend_moto

__all__ = ["extend_moto"]
