"""Values of variables: literal secrets, and what people write in place of one."""

from __future__ import annotations

import pytest
from tests.secrets.fake_secrets import HEX, PASSWORD, generated, uuid
from tests.secrets.test_commands import filled

from pipeseal.secrets import in_variables

NAMES = (
    "DB_PASS MYSQL_PWD PGPASSWORD REDIS_AUTH SA_PASSWORD ROOT_PW KEYPASS STOREPASS KEYSTORE_PASS JWT_SECRET "
    "COOKIE_SECRET CLIENT_SECRET APP_SECRET SIGNING_SECRET HMAC_KEY API_SECRET ACCESS_KEY SECRET_ACCESS_KEY "
    "REFRESH_TOKEN ID_TOKEN OAUTH_TOKEN BOT_TOKEN DEPLOY_TOKEN CSRF_SECRET NPM_AUTH DOCKER_AUTH HTTP_AUTH "
    "BASIC_AUTH AUTH CREDS CREDENTIAL SAS SAS_KEY SHARED_KEY STORAGE_KEY SEARCH_KEY EVENT_KEY INSTRUMENTATION_KEY "
    "SUBSCRIPTION_KEY WRITE_KEY READ_KEY SERVER_KEY APPLICATION_KEY CONSUMER_KEY PRIVATE_KEY SSH_KEY TLS_KEY "
    "GPG_KEY PGP_KEY CERT_KEY ENCRYPTION_SALT SALT PEPPER SEED PASSCODE TOTP_SEED MFA_SECRET AZURE_PAT ADO_PAT "
    "PYPI_PASS TWINE_PASS VAULT_PASS ANSIBLE_VAULT_PASS SIGNATURE_KEY OTP_SECRET SYMMETRIC_KEY AES_KEY FERNET_KEY "
    "CRYPTO_KEY SIGN_KEY DATA_KEY API_KEYS APIKEY APIKEYS XAPIKEY AUTHKEY AUTH_KEY AUTHTOKEN AUTHORIZATION "
    "ACCESSTOKEN SECRETKEY SECRET_KEY PRIVATEKEY MASTERKEY ADMIN_KEY ROOT_KEY USER_KEY SERVICE_KEY "
    "SERVICE_ACCOUNT_KEY DEVELOPER_KEY PRODUCT_KEY PARTNER_KEY CLIENT_KEY INTEGRATION_KEY ROUTING_KEY BILLING_KEY "
    "UPLOAD_KEY PUBLISH_KEY NUGET_KEY SERVER_TOKEN JWT SESSION_SECRET LOGIN_TOKEN PWD PW PASS PASSWD PSW PSWD "
    "USERPASS USER_PASS SMTP_PASS LDAPPW BINDPW BIND_PW ROOTPASS KEYPW CERTPW PFX_PW SUDOPW CI_JOB_JWT DB_CREDS "
    "DB_CRED SERVICE_CREDENTIALS ENCRYPT_KEY DECRYPT_KEY DECRYPTION_KEY ACCOUNT_SECRET TENANT_SECRET "
    "APP_SECRET_KEY TOKEN_SECRET CONSUMER_SECRET KEY_SECRET SHARED_SECRET PSK PRESHARED_KEY PRE_SHARED_KEY "
    "WIFI_PASS SECRET_TOKEN VERIFICATION_TOKEN SIGNING_TOKEN CSRF_TOKEN XSRF_TOKEN INSTALL_TOKEN ENROLLMENT_TOKEN "
    "JOIN_TOKEN REGISTRATION_TOKEN RUNNER_TOKEN AGENT_TOKEN PROVISIONING_KEY ACTIVATION_KEY LICENCE_KEY LICENSE "
    "SERIAL_KEY GITHUB_SECRET GIT_TOKEN HUB_TOKEN SVN_PASS NEXUS_PASS ARTIFACTORY_KEY JFROG_KEY SONAR_KEY "
    "DATADOG_KEY NEW_RELIC_KEY LOGZ_KEY LOGGLY_KEY SUMO_KEY SPLUNK_KEY HEC_TOKEN COSMOSDB_KEY REDIS_KEY "
    "IOTHUB_KEY SERVICEBUS_KEY EVENTGRID_KEY MAPS_KEY SPEECH_KEY COGNITIVE_KEY OPENAI_KEY LUIS_KEY TRANSLATOR_KEY "
    "VISION_KEY BATCH_KEY HOST_KEY HOOK_KEY FUNCTIONS_KEY "
)
# Name and value, with the names of generated values as in test_commands.py.
LITERALS = [
    ("SNYK_KEY", "{UUID}"),
    ("ROLLBAR_KEY", "{HEX}"),
    ("X_WRITE_KEY", "{TOKEN}"),
    ("SEGMENT_WRITEKEY", "{TOKEN}"),
    ("INGEST_KEY", "{TOKEN}"),
    ("BUGSNAG_KEY", "{HEX}"),
    ("OPENAI_KEY", "{TOKEN}"),
    ("EVENTHUB_KEY", "{TOKEN}="),
    ("FUNCTIONS_KEY", "{TOKEN}"),
    ("COSMOSDB_KEY", "{TOKEN}=="),
    ("STORAGEKEY", "{TOKEN}=="),
    ("BATCH_KEY", "{TOKEN}"),
    ("SEARCH_ADMIN_KEY", "{TOKEN}"),
    ("INSTRUMENTATION_KEY", "{UUID}"),
    ("DBPW", "{SECRET}"),
    ("ROOTPW", "{SECRET}"),
    ("APPPW", "{SECRET}"),
    ("LDAP_BIND_PW", "{SECRET}"),
    ("BUNDLE_PACKAGES__X__COM", "ci:{SECRET}"),
    ("BUNDLE_RUBYGEMS__PKG__GITHUB__COM", "ci:{TOKEN}"),
    ("SONAR_LOGIN", "{HEX}"),
    ("CONN", "Server = x; Database = y; User Id = a; Password = {SECRET}"),
    ("CONN", "host=h dbname=x user=a password={SECRET}"),
    ("CONN", "Data Source=x;User ID=a;Password ={SECRET};"),
    ("X", "amqps://a@b.com:{SECRET}@h:5671/v"),
    ("X", "https://hooks.slack.com/services/T{TOKEN}/B{TOKEN}/{TOKEN}"),
    ("X", "https://discordapp.com/api/webhooks/1234567890/{TOKEN}"),
    ("X", "https://maker.ifttt.com/trigger/x/with/key/{TOKEN}"),
    ("WPA_PSK", "{SECRET}"),
    ("HMAC", "{TOKEN}"),
    ("SIGNATURE_SECRET", "{SECRET}"),
    ("SALT", "{TOKEN}"),
    ("PEPPER", "{TOKEN}"),
    ("OTP_SEED", "{TOKEN}"),
    ("MFA_SECRET", "{TOKEN}"),
    ("SESSION_TOKEN", "{TOKEN}"),
    ("NPMRC", "//registry.npmjs.org/:_authToken={TOKEN}"),
    ("PIP_INDEX_URL", "https://u:{SECRET}@h/simple"),
    ("SLACK_WEBHOOK", "https://hooks.slack.com/services/T{TOKEN}/B{TOKEN}/{TOKEN}"),
    (
        "MAVEN_SETTINGS",
        "<settings><servers><server><id>x</id><password>{SECRET}</password></server></servers></settings>",
    ),
    ("ADMIN_PASS", "{SECRET}"),
    ("DB_PASS", "{SECRET}"),
    ("PGPASS", "h:5432:db:a:{SECRET}"),
    ("COOKIE_SECRET", "{SECRET}"),
    ("KUBECONFIG_DATA", "apiVersion: v1\nusers:\n- name: a\n  user:\n    token: {TOKEN}\n"),
    ("APPCENTER_TOKEN", "{HEX}"),
    ("SIGNING_KEY_PASS", "{SECRET}"),
    ("JENKINS_CRED", "a:{SECRET}"),
    ("FTP_CREDENTIALS", "a:{SECRET}"),
    ("PAT", "{TOKEN}"),
    ("GH_TOKEN", "{TOKEN}"),
    ("PASSWORD", "letmein"),
    ("DB_PASSWORD", "admin"),
    ("DB_PASSWORD", "password"),
    ("DB_PASSWORD", "p@ssw0rd"),
    ("DB_PASSWORD", "Winter2024!"),
    ("DB_PASSWORD", "correct-horse-battery-staple"),
]

# Addresses that accept a message from everyone who knows them.
WEBHOOKS = [
    "https://mattermost.acme.com/hooks/{TOKEN}",
    "https://api.opsgenie.com/v1/json/cloudwatch?apiKey={UUID}",
    "https://webhook.site/{UUID}",
    "https://hooks.glip.com/webhook/{UUID}",
    "https://outlook.office.com/webhook/{UUID}@{UUID}/IncomingWebhook/{HEX}/{UUID}",
    "https://api.telegram.org/bot123456789:AA{TOKEN}/sendMessage",
    "https://alert.victorops.com/integrations/generic/20131114/alert/{UUID}/x",
    "https://api.netlify.com/build_hooks/{HEX32}",
    "https://api.vercel.com/v1/integrations/deploy/prj_{TOKEN}/{TOKEN}",
    "https://acme.rocket.chat/hooks/{TOKEN}/{TOKEN}",
    "https://hooks.slack.com/workflows/T{TOKEN}/A{TOKEN}/123456789012345678/{TOKEN}",
    "https://hook.eu1.make.com/{TOKEN}",
    "https://hooks.zapier.com/hooks/catch/123456/{TOKEN}/",
    "https://app.datadoghq.com/api/v1/events?api_key={HEX}",
    "https://open.feishu.cn/open-apis/bot/v2/hook/{UUID}",
    "https://oapi.dingtalk.com/robot/send?access_token={HEX}",
    "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={UUID}",
    "https://prod-1.westus.logic.azure.com/workflows/x/triggers/manual/paths/invoke?sig={TOKEN}",
]

# References, names of secrets, ciphertext, words, placeholders, public values and identifiers.
REFERENCES = [
    ("DB_PASSWORD", "$dbPassword"),
    ("DB_PASSWORD", "prod/db/master-password"),
    ("DB_SECRET", "shop-db-credentials"),
    ("DB_SECRET", "prod-shop-db-credentials"),
    ("DB_SECRET", "prod_db_secret"),
    ("API_TOKEN", "shop.prod.token"),
    ("API_TOKEN", "ci/slack/token"),
    ("API_TOKEN", "slack-bot-token"),
    ("GITHUB_TOKEN_SECRET", "github/token"),
    ("DB_PASSWORD", "rds!db-{UUID}"),
    ("DB_SECRET", "ShopStack-DbSecret12AB34CD-Kf3sT9vQ2mXa"),
    ("DB_SECRET", "shop-prod-Secret-aB3dEf"),
    ("DB_SECRET", "shop/prod/db-aB3dEf"),
    ("DB_PASSWORD", "projects/123456789012/secrets/db/versions/3"),
    ("DB_PASSWORD", "op://vault/db/password"),
    ("DB_PASSWORD", "ref+awsssm://prod/db"),
    ("DB_PASSWORD", "vault:secret/data/db#password"),
    ("DB_PASSWORD", "secret/data/db#password"),
    ("DB_PASSWORD", "akv:vault/db-password"),
    ("DB_PASSWORD", "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/y)"),
    ("DB_PASSWORD", "{{resolve:ssm-secure:/db:1}}"),
    ("DB_PASSWORD", "((db-password))"),
    ("DB_PASSWORD", "%DB_PASSWORD%"),
    ("DB_PASSWORD", "${DB_PASSWORD:?}"),
    ("DB_PASSWORD", "${{ secrets.DB }}"),
    ("DB_PASSWORD", "{{db_password}}"),
    ("DB_PASSWORD", "{db_password}"),
    ("DB_PASSWORD", "[DB_PASSWORD]"),
    ("DB_PASSWORD", "<DB_PASSWORD>"),
    ("DB_PASSWORD", "ENC(AbCdEf0123456789==)"),
    ("DB_PASSWORD", "{cipher}{HEX}"),
    ("DB_PASSWORD", "{aes}{TOKEN}"),
    ("DB_PASSWORD", "AQICAH{TOKEN}"),
    ("DB_PASSWORD", "encrypted:{TOKEN}"),
    ("DB_PASSWORD", "$ANSIBLE_VAULT;1.1;AES256;1234567890"),
    ("DB_PASSWORD", "EJ[1:{TOKEN}=:{TOKEN}:{TOKEN}]"),
    ("API_KEY", "vault:v1:{TOKEN}"),
    ("DB_PASSWORD", "unset"),
    ("DB_PASSWORD", "none"),
    ("DB_PASSWORD", "n/a"),
    ("DB_PASSWORD", "not-used"),
    ("DB_PASSWORD", "tbd"),
    ("DB_PASSWORD", "null"),
    ("DB_PASSWORD", "false"),
    ("DB_PASSWORD", "from-secrets-manager"),
    ("DB_PASSWORD", "see-secrets-manager"),
    ("DB_PASSWORD", "in-vault"),
    ("DB_PASSWORD", "managed-by-aws"),
    ("DB_PASSWORD", "secretsmanager"),
    ("DB_PASSWORD", "N/A"),
    ("DB_PASSWORD", "--"),
    ("DB_PASSWORD", "..."),
    ("DB_PASSWORD", "***"),
    ("DB_PASSWORD", "*****"),
    ("DB_PASSWORD", "xxx"),
    ("DB_PASSWORD", "XXXX-XXXX"),
    ("TOKEN", "MY_TOKEN"),
    ("TOKEN", "GITHUB_TOKEN"),
    ("TOKEN", "YOUR-TOKEN"),
    ("TOKEN", "insert-token-here"),
    ("TOKEN", "<your token>"),
    ("TOKEN", "replace_with_token"),
    ("TOKEN", "ghp_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"),
    ("TOKEN", "glpat-XXXXXXXXXXXXXXXXXXXX"),
    ("TOKEN", "xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx"),
    ("TOKEN", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ("TOKEN", "AKIAIOSFODNN7EXAMPLE"),
    ("TOKEN", "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx"),
    ("TOKEN", "hvs.XXXXXXXXXXXXXXXXXXXXXXXX"),
    ("TOKEN", "npm_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"),
    ("HOOK", "https://hooks.slack.com/services/TXXXXXXXX/BXXXXXXXX/XXXXXXXXXXXXXXXXXXXXXXXX"),
    ("HOOK", "https://hooks.slack.com/services/YOUR/WEBHOOK/URL"),
    ("SENTRY_DSN", "https://{HEX32}@o1.ingest.us.sentry.io/2"),
    ("SENTRY_DSN", "https://{HEX32}@sentry.acme.com/12"),
    ("STRIPE_KEY", "pk_live_{TOKEN}"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_test_{TOKEN}"),
    ("NEXT_PUBLIC_STRIPE_KEY", "pk_test_{TOKEN}"),
    ("RECAPTCHA_SITE_KEY", "6L{TOKEN}"),
    ("SSH_PUBLIC_KEY", "ssh-rsa AAAAB3{TOKEN}"),
    ("POSTHOG_KEY", "phc_{TOKEN}"),
    ("MAPBOX_TOKEN", "pk.eyJ{TOKEN}.{TOKEN}"),
    ("CACHE_KEY", "{HEX}"),
    ("S3_KEY", "releases/{HEX}.zip"),
    ("S3_OBJECT_KEY", "{HEX}"),
    ("KMS_KEY_ID", "{UUID}"),
    ("KMS_KEY", "{UUID}"),
    ("IDEMPOTENCY_KEY", "{UUID}"),
    ("COMMIT", "{HEX}"),
    ("IMAGE_DIGEST", "sha256:{HEX}"),
    ("INTEGRITY", "sha512-{TOKEN}=="),
    ("ASSET", "asset.{HEX}"),
    ("ECR", "1.dkr.ecr.eu-west-1.amazonaws.com/x@sha256:{HEX}"),
    ("BUILD_ID", "shop:{UUID}"),
    ("VPC", "vpc-0a1b2c3d4e5f60718"),
    ("POOL", "eu-west-1_aB3dE5fG7"),
    ("CLIENT_ID", "{TOKEN}"),
    ("GITHUB_APP_ID", "123456"),
    ("TENANT_ID", "{UUID}"),
    ("DISTRIBUTION", "E1A2B3C4D5E6F7"),
    ("HOSTED_ZONE", "Z0123456789ABCDEFGHIJ"),
    ("CERT", "arn:aws:acm:eu-west-1:111122223333:certificate/{UUID}"),
    ("VERSION", "v1.2.3-20240101120000-{HEX}"),
    ("FILE", "reports/junit-{UUID}.xml"),
    ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
    ("NODE_KEYRING_KEYS", "4ED778F539E3634C779C87C6D7062848A1AB005C"),
    ("CERT_PEM", "-----BEGIN CERTIFICATE-----\nMIIC{TOKEN}\n-----END CERTIFICATE-----"),
    ("JIRA_ISSUE_KEY", "SHOP-1234"),
    ("SONAR_PROJECT_KEY", "acme_shop_9f8Kq2"),
    ("PASSWORD_SALT_ROUNDS", "10"),
    ("TOKEN_ROTATION_DAYS", "30"),
    ("SECRETS_PREFIX", "prod/shop"),
    ("USE_TOKEN", "true"),
    ("AUTH_TOKEN_LIFETIME", "3600"),
    ("DEPLOY_KEY_NAME", "shop-deploy"),
    ("JWT_ISSUER", "https://x"),
    ("CREDENTIALS_ID", "github-ci"),
    ("GIT_CREDENTIALS", "github-ci-token"),
    ("REGISTRY_AUTH", "ecr"),
    ("FEATURE_KEY", "new-checkout"),
    ("LAMBDA_LAYER", "arn:aws:lambda:eu-west-1:1:layer:x:3"),
    ("PRICE", "price_{TOKEN24}"),
    ("BRANCH", "feature/token-refresh-2"),
    ("REPO_URL", "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x"),
    ("REPO", "https://github.com/acme/{TOKEN}.git"),
    ("X", "https://d-{TOKEN}.awsapps.com/start"),
    ("X", "https://example.com/?id={UUID}"),
]


@pytest.mark.parametrize("name", NAMES.split())
def test_a_generated_value_under_a_name_for_a_secret(name: str) -> None:
    """A generated value is a finding under every name that is in use for one."""
    assert in_variables([{"name": name, "value": generated(32)}], "path")


@pytest.mark.parametrize(("name", "value"), LITERALS)
def test_a_literal_secret(name: str, value: str) -> None:
    """A literal secret is a finding, and the finding does not show it."""
    (found, *_) = in_variables([{"name": name, "value": filled(value)}], "path")
    assert not any(secret in repr(found) for secret in (PASSWORD, generated(40), generated(40, HEX), uuid()))


@pytest.mark.parametrize("url", WEBHOOKS)
def test_the_url_of_a_webhook(url: str) -> None:
    """The URL of a webhook is a secret under any name."""
    assert in_variables([{"name": "NOTIFY", "value": filled(url)}], "path")


@pytest.mark.parametrize(("name", "value"), REFERENCES)
def test_no_literal_secret(name: str, value: str) -> None:
    """What tells where a secret is, what is encrypted, empty, public or an identifier is no finding."""
    assert in_variables([{"name": name, "value": filled(value)}], "path") == ()
