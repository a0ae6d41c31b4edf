"""CodeBuild projects."""
