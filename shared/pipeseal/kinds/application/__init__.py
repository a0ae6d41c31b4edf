"""CodeDeploy applications."""
