"""The kinds of resource, one row each: everything that other modules need to know of a kind without loading it.

What a kind does lives in the folder of its name beside this file. The rows are data; this module imports nothing of
pipeseal, so that every layer can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class KindSpec:
    """The facts about one kind of resource."""

    service: str
    """The service as ARNs, IAM actions and event sources (SERVICE.amazonaws.com) name it."""
    name_pattern: str
    """Regular expression of the names that the service accepts; a name that does not match is rejected."""
    control_files: tuple[str, ...]
    """Prefixes of the files in controls/ that hold the controls of this kind."""
    list_permissions: tuple[str, ...]
    """IAM actions that listing needs; none of them can be limited to a resource."""
    cloudformation_type: str
    tag_permission: str = ""
    """IAM action that reading tags needs, where no control of the kind needs it anyway."""
    arn_prefix: str = ""
    """What the ARN has between the account and the name."""
    global_arn: bool = False
    """Whether the ARN has neither Region nor account, as S3's has."""
    asff_type: str = "Other"
    """Resource type in the AWS Security Finding Format; "Other" where Security Hub defines none."""
    function: str = ""
    """Logical ID of the kind's function in template.yaml, where it is not the noun with "Function" (BucketFunction)."""
    depends_on: tuple[str, ...] = ()
    """The kinds that hold this one's data or encrypt it: its function remediates these too."""
    dependency_level: int = 0
    """Distance from those that depend on it: 1 for buckets, 2 for keys; 0 where nothing depends on it."""
    scan_threads: int = 4
    """How many resources `pipeseal scan` reads at once, within the service's request quotas."""
    created_without_history: tuple[str, ...] = ()
    """Calls after which the ledger cannot know the resource, so that a compliant one costs no ledger read."""


class Kind(StrEnum):
    """A kind of resource; the value is the noun that people read and the name of the folder."""

    BUCKET = "bucket"
    KEY = "key"
    PIPELINE = "pipeline"
    APPLICATION = "application"
    PROJECT = "project"
    TRAIL = "trail"

    @property
    def spec(self) -> KindSpec:
        """The facts about this kind."""
        return _SPECS[self]

    @property
    def function(self) -> str:
        """Logical ID of the function in template.yaml that remediates this kind."""
        return self.spec.function or f"{self.capitalize()}Function"


_SPECS: Mapping[Kind, KindSpec] = {
    Kind.BUCKET: KindSpec(
        service="s3",
        name_pattern=r"[A-Za-z0-9._-]{3,255}",
        control_files=("s3_",),
        list_permissions=("s3:ListAllMyBuckets",),
        cloudformation_type="AWS::S3::Bucket",
        tag_permission="s3:GetBucketTagging",
        global_arn=True,
        asff_type="AwsS3Bucket",
        dependency_level=1,
        scan_threads=16,
    ),
    Kind.KEY: KindSpec(
        service="kms",
        name_pattern=r"[A-Za-z0-9-]{1,256}",
        control_files=("kms_",),
        list_permissions=("kms:ListKeys", "kms:DescribeKey"),
        cloudformation_type="AWS::KMS::Key",
        tag_permission="kms:ListResourceTags",
        arn_prefix="key/",
        asff_type="AwsKmsKey",
        dependency_level=2,
        scan_threads=8,
        created_without_history=("CreateKey",),
    ),
    Kind.PIPELINE: KindSpec(
        service="codepipeline",
        name_pattern=r"[A-Za-z0-9.@_-]{1,100}",
        control_files=("codepipeline_",),
        list_permissions=("codepipeline:ListPipelines",),
        cloudformation_type="AWS::CodePipeline::Pipeline",
        depends_on=("bucket", "key"),
    ),
    Kind.APPLICATION: KindSpec(
        service="codedeploy",
        name_pattern=r"[A-Za-z0-9.@_+=,-]{1,100}",
        control_files=("codedeploy_", "codepipeline_free_text"),
        list_permissions=("codedeploy:ListApplications", "codedeploy:BatchGetApplications"),
        cloudformation_type="AWS::CodeDeploy::Application",
        arn_prefix="application:",
        depends_on=("bucket",),
        function="DeploymentFunction",
    ),
    Kind.PROJECT: KindSpec(
        service="codebuild",
        name_pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{1,254}",
        control_files=("codebuild_",),
        list_permissions=("codebuild:ListProjects", "codebuild:BatchGetProjects"),
        cloudformation_type="AWS::CodeBuild::Project",
        arn_prefix="project/",
        asff_type="AwsCodeBuildProject",
        depends_on=("bucket",),
    ),
    Kind.TRAIL: KindSpec(
        service="cloudtrail",
        name_pattern=r"[A-Za-z0-9._-]{3,128}",
        control_files=("cloudtrail_",),
        list_permissions=("cloudtrail:ListTrails",),
        cloudformation_type="AWS::CloudTrail::Trail",
        tag_permission="cloudtrail:ListTags",
        arn_prefix="trail/",
        asff_type="AwsCloudTrailTrail",
        scan_threads=2,
    ),
}
