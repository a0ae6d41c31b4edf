"""The embedded account: moto in this process, with the CloudTrail records and the event routing of AWS."""

from pipeseal.sandbox import cloudtrail, codebuild, codedeploy, codepipeline

__all__ = ["extend_moto"]


def extend_moto() -> None:
    """Add to moto the API calls and behavior that it lacks and pipeseal needs; calling it again has no effect."""
    for service in (cloudtrail, codebuild, codedeploy, codepipeline):
        service.extend_moto()
