"""Code snippets: parts of CloudFormation and Terraform resources as text; pure, and independent of the kinds."""
