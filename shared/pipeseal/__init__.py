"""pipeseal keeps the data of CI/CD pipelines on AWS sealed."""
