"""What a name promises of its value."""

import pytest

from pipeseal.secrets.names import Promise, promise


def spelled(names: str) -> list[str]:
    """Return the names of a list that reads better without quotes."""
    return names.split()


@pytest.mark.parametrize(
    "name",
    spelled(
        "DB_PASSWORD dbPassword DbPassword db-password PGPASSWORD dbpasswd MYSQL_PWD smtp.pass DB_PASS SSHPASS "
        "DB_PASSWORD_PROD DB_PASSWORD2 KeystorePassphrase spring.datasource.password MasterUserPassword DB_PW "
        "mysqlpwd PASSWORD_SALT Passwort contraseña"
    ),
)
def test_a_password_by_any_spelling(name: str) -> None:
    """Words are told apart by case, underscore, dash and dot, and environments at the end are overlooked."""
    assert promise(name) is Promise.PASSWORD


@pytest.mark.parametrize(
    "name",
    spelled(
        "TOKEN githubToken GITHUBTOKEN GH_PAT NpmToken CLIENT_SECRET clientSecret webhook-secret SECRET_KEY_BASE "
        "API_KEY ApiKey APIKey apikey x-api-key STRIPE_API_KEY_LIVE AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY PRIVATE_KEY "
        "accessKey storageKey NEW_RELIC_LICENSE_KEY _authToken VAULT_SECRET_ID"
    ),
)
def test_a_secret_by_any_spelling(name: str) -> None:
    """Tokens, secrets and the keys that open something promise a secret."""
    assert promise(name) is Promise.SECRET


@pytest.mark.parametrize("name", ["ENCRYPTION_KEY", "signingKey", "MASTER_KEY", "masterkey"])
def test_a_cipher_key(name: str) -> None:
    """A cipher's key may be a KMS key's id, so it promises less."""
    assert promise(name) is Promise.KEY


@pytest.mark.parametrize(
    "name", ["REDISCLI_AUTH", "credentials", "DOCKER_CREDS", "Authorization", "SSH_KEY", "APP_KEY"]
)
def test_a_label_as_often_as_a_secret(name: str) -> None:
    """Credentials are often only named, so the name alone promises little."""
    assert promise(name) is Promise.MAYBE


@pytest.mark.parametrize(
    "name",
    spelled(
        "SECRET_ARN SecretName SECRET_ID TOKEN_URL TokenUrl PASSWORD_LENGTH PASSWORD_FILE TOKEN_PATH "
        "TOKEN_TTL SecretsManagerEndpoint API_KEY_ID AWS_ACCESS_KEY_ID KMS_KEY KMS_KEY_ID PrivateKeyPath TOKEN_TYPE "
        "SECRET_NAME_PROD PASSWORD_POLICY PASSWORD_MIN MAX_TOKENS NEXT_TOKEN no-password CREDENTIAL_HELPER "
        "TOKENIZER tokenizerModel author AUTHORITY passthrough COMPASS BYPASS keyboard PRIMARY_KEY PARTITION_KEY "
        "AUTH_MODE DbPasswordParameter S3_KEY CACHE_KEY PublicKey "
        "SSH_PUBLIC_KEY monkey secretary PASS_RATE OnPass KEY Branch password-stdin"
    ),
)
def test_a_name_that_only_sounds_secret(name: str) -> None:
    """Whereabouts, rules and identities of secrets, and words that merely contain one, promise nothing."""
    assert promise(name) is Promise.NOTHING


@pytest.mark.parametrize("name", ["", "___", "123", "!?", "💥", "\x00", "A" * 100_000, "aB" * 100_000])
def test_any_name_has_a_promise(name: str) -> None:
    """A name of no words, or of very many, is no trouble."""
    assert promise(name) is Promise.NOTHING
