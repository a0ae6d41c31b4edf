"""The embedded account: moto behind one door, where every call leaves the CloudTrail record that AWS would make."""

from pipeseal.sandbox import cloudtrail, codebuild, codedeploy, codepipeline

__all__ = ["extend_moto"]


def extend_moto() -> None:
    """Teach moto all that it lacks for the embedded account; harmless when done twice."""
    for service in (cloudtrail, codebuild, codedeploy, codepipeline):
        service.extend_moto()
