"""CodePipeline pipelines."""
