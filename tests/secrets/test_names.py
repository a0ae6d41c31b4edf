"""Classification of names by the sensitivity of their values."""

import pytest

from pipeseal.secrets.names import Sensitivity, sensitivity_of

PASSWORD_NAMES = (
    "DB_PASSWORD dbPassword DbPassword db-password PGPASSWORD dbpasswd MYSQL_PWD smtp.pass DB_PASS SSHPASS "
    "DB_PASSWORD_PROD DB_PASSWORD2 KeystorePassphrase spring.datasource.password MasterUserPassword DB_PW "
    "mysqlpwd PASSWORD_SALT Passwort contraseña"
)
SECRET_NAMES = (
    "TOKEN githubToken GITHUBTOKEN GH_PAT NpmToken CLIENT_SECRET clientSecret webhook-secret SECRET_KEY_BASE "
    "API_KEY ApiKey APIKey apikey x-api-key STRIPE_API_KEY_LIVE AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY PRIVATE_KEY "
    "accessKey storageKey NEW_RELIC_LICENSE_KEY _authToken VAULT_SECRET_ID"
)
OTHER_NAMES = (
    "SECRET_ARN SecretName SECRET_ID TOKEN_URL TokenUrl PASSWORD_LENGTH PASSWORD_FILE TOKEN_PATH "
    "TOKEN_TTL SecretsManagerEndpoint API_KEY_ID AWS_ACCESS_KEY_ID KMS_KEY KMS_KEY_ID PrivateKeyPath TOKEN_TYPE "
    "SECRET_NAME_PROD PASSWORD_POLICY PASSWORD_MIN MAX_TOKENS NEXT_TOKEN no-password CREDENTIAL_HELPER "
    "TOKENIZER tokenizerModel author AUTHORITY passthrough COMPASS BYPASS keyboard PRIMARY_KEY PARTITION_KEY "
    "AUTH_MODE DbPasswordParameter S3_KEY CACHE_KEY PublicKey "
    "lock-token ChangeToken clientRequestToken minipass pubkey AWS::IAM::AccessKey AWS::SecretsManager::Secret "
    "publishableKey siteKey CACHE_KEY storeSecrets adminPasswordKey "
    "SSH_PUBLIC_KEY monkey secretary PASS_RATE OnPass KEY Branch password-stdin"
)


@pytest.mark.parametrize("name", PASSWORD_NAMES.split())
def test_password_names_in_any_spelling(name: str) -> None:
    """Case, underscores, dashes and dots separate words, and a trailing environment name is ignored."""
    assert sensitivity_of(name) is Sensitivity.PASSWORD


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_secret_names_in_any_spelling(name: str) -> None:
    """Names of tokens, secrets and access keys indicate a secret."""
    assert sensitivity_of(name) is Sensitivity.SECRET


@pytest.mark.parametrize("name", ["ENCRYPTION_KEY", "signingKey", "MASTER_KEY", "masterkey"])
def test_encryption_key_names(name: str) -> None:
    """The value of an encryption key can be the ID of a KMS key, so its name has a sensitivity of its own."""
    assert sensitivity_of(name) is Sensitivity.KEY


@pytest.mark.parametrize("name", ["SNYK_KEY", "HONEYCOMB_WRITEKEY", "authkey", "COSMOS_KEY", "Salt", "HMAC", "LICENSE"])
def test_names_of_which_only_a_generated_value_is_a_secret(name: str) -> None:
    """The key of any product is a secret only if its value looks generated."""
    assert sensitivity_of(name) is Sensitivity.RANDOM


@pytest.mark.parametrize(
    "name", ["REDISCLI_AUTH", "credentials", "DOCKER_CREDS", "Authorization", "SSH_KEY", "APP_KEY"]
)
def test_ambiguous_names(name: str) -> None:
    """The value of a credentials field is often only a name, so the name alone is ambiguous."""
    assert sensitivity_of(name) is Sensitivity.AMBIGUOUS


@pytest.mark.parametrize("name", OTHER_NAMES.split())
def test_names_of_values_that_are_not_secret(name: str) -> None:
    """Names of a secret's location, rules or ID, and words that only contain a secret word, indicate no secret."""
    assert sensitivity_of(name) is Sensitivity.NONE


@pytest.mark.parametrize("name", ["", "___", "123", "!?", "💥", "\x00", "A" * 100_000, "aB" * 100_000])
def test_every_name_has_a_sensitivity(name: str) -> None:
    """A name without words, or with very many, raises no error and indicates no secret."""
    assert sensitivity_of(name) is Sensitivity.NONE
