"""Detection in free text: commands, AppSpec content, URLs."""

from __future__ import annotations

import re

import pytest
from tests.secrets.fake_secrets import AWS_SECRET_ACCESS_KEY, GITHUB_TOKEN, JWT, OWN_TOKENS, PASSWORD, RULE_BASE_TOKENS

from pipeseal.secrets import in_text

# Commands and files with {} for a secret.
TEMPLATES = [
    "export DB_PASSWORD={}",
    "DB_PASSWORD='{}' ./migrate.sh",
    'PGPASSWORD="{}" psql -h db -U app',
    "PGPASSWORD={} psql -h db",
    "env API_TOKEN={} make deploy",
    "docker run -e MYSQL_ROOT_PASSWORD={} mysql:8",
    "docker build --build-arg NPM_TOKEN={} .",
    "docker login -u acme -p {}",
    "docker login --username acme --password {} registry.example.com",
    "docker login --username acme --password={}",
    "echo {} | docker login -u acme --password-stdin",
    'echo "{}" | helm registry login -u acme --password-stdin r.example.com',
    "echo {} | gh auth login --with-token",
    "mysql -h db -u root -p{} shop < dump.sql",
    "mysqldump -uroot -p'{}' shop",
    "mysql -u root --password={} shop",
    "mariadb -u root -p{}",
    "mongosh mongodb.example.com -u app -p {}",
    "redis-cli -h cache -a {} ping",
    "sqlcmd -S db -U sa -P {}",
    "sshpass -p {} ssh deploy@host",
    "sshpass -p'{}' scp a b:",
    "curl -u deploy:{} https://example.com",
    "curl -sSu 'deploy:{}' https://example.com",
    "curl --user deploy:{} https://example.com",
    "wget --user=deploy --password={} https://example.com",
    'curl -H "Authorization: Bearer {}" https://example.com',
    "curl -H 'authorization: Basic {}' https://example.com",
    "curl -H 'X-Api-Key: {}' https://example.com",
    'curl --header "PRIVATE-TOKEN: {}" https://gitlab.example.com',
    'curl -d \'{{"user":"a","password":"{}"}}\' https://example.com',
    'curl -d "{{\\"password\\": \\"{}\\"}}" https://example.com',
    "curl 'https://example.com/hook?token={}&ref=main'",
    "git clone https://deploy:{}@git.example.com/o/r.git",
    "psql postgres://app:{}@db.example.com:5432/shop",
    "redis://:{}@cache:6379/0",
    "jdbc:mysql://root:{}@db/shop",
    "jdbc:sqlserver://db;databaseName=shop;user=sa;password={};encrypt=true",
    "Server=db;Database=shop;User Id=sa;Password={};",
    "root:{}@tcp(db:3306)/shop",
    "kubectl create secret generic db --from-literal=url={}",
    "kubectl create secret docker-registry r --docker-password={}",
    "helm upgrade app . --set db.password={}",
    "terraform apply -var 'db_password={}'",
    'terraform apply -var="api_key={}"',
    "mvn deploy -Dgpg.passphrase={}",
    "msbuild /p:Password={}",
    "ansible-playbook site.yml -e ansible_password={}",
    "aws configure set aws_secret_access_key {}",
    "npm config set //npm.example.com/:_authToken {}",
    "echo //npm.example.com/:_authToken={} > .npmrc",
    "aws ssm put-parameter --name /x --type SecureString --value {}",
    "aws ssm put-parameter --name /x --value {} --type SecureString",
    "aws secretsmanager create-secret --name x --secret-string {}",
    "aws codebuild start-build --environment-variables-override name=DB_PASSWORD,value={},type=PLAINTEXT",
    'New-Object PSCredential("u", (ConvertTo-SecureString "{}" -AsPlainText -Force))',
    "htpasswd -bc /etc/nginx/.htpasswd admin {}",
    "echo 'machine github.com login bot password {}' > ~/.netrc",
    "echo 'root:{}' | chpasswd",
    "ldapsearch -D cn=admin -w {} -b dc=example",
    "openssl rsa -in k.pem -passin pass:{}",
    "keytool -importcert -storepass {} -file c.crt",
    "unzip -P {} a.zip",
    "twine upload -u __token__ -p {} dist/*",
    "az login --service-principal -u app -p {} --tenant t",
    "CREATE USER app IDENTIFIED BY '{}'",
    "psql -c \"ALTER USER app WITH PASSWORD '{}'\"",
    "version: 0.0\nenv:\n  variables:\n    DB_PASSWORD: {}\n",
    "version: 0.0\nhooks:\n  AfterInstall:\n    - location: setup.sh\n      password: '{}'\n",
    "environment:\n  - name: API_TOKEN\n    value: {}\n",
    'environment = {{ "API_TOKEN" => "{}" }}',
    "[default]\naws_secret_access_key = {}",
    "<server><id>r</id><password>{}</password></server>",
    '{{"Resources": [{{"Env": {{"ApiToken": "{}"}}}}]}}',
    '{{"broken json", "clientSecret": "{}"',
    "password={}",
    "password:{},user:bob",
    "user=bob;password={}",
    "DB_PASSWORD=${{DB_PASSWORD:-{}}}",
    "$password = '{}'",
    "$env:API_KEY = '{}'",
    "terraform apply -var db_password={} -auto-approve",
    "curl -F token={} https://example.com",
    "git remote set-url origin https://bob:{}@github.com/o/r",
    "sam deploy --parameter-overrides ParameterKey=Env,ParameterValue=x DbPassword={}",
    '["run", "--db-password", "{}", "--region", "eu-west-1"]',
    "T=$(curl -H 'Authorization: token {}' https://example.com)",
]


@pytest.mark.parametrize("template", TEMPLATES, ids=[re.sub(r"[^\w]+", "-", template)[:40] for template in TEMPLATES])
def test_a_literal_secret_in_context(template: str) -> None:
    """Each template gives one finding, at the path and location of the text, which does not contain the secret."""
    (found,) = in_text(template.format(PASSWORD), "commands[0]", "field commands")
    assert found.path.startswith("commands[0]")
    assert found.location.startswith("field commands")
    assert PASSWORD not in repr(found)


# What can replace a literal secret.
REFERENCES = [
    "$DB_PASSWORD",
    "${DB_PASSWORD}",
    "$(cat /run/secrets/db)",
    "`cat /run/secrets/db`",
    "#{variables.DbPassword}",
    "#{SourceVariables.Token}",
    "{{resolve:secretsmanager:prod/db:SecretString:password}}",
    "<your-password>",
]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("template", TEMPLATES, ids=[re.sub(r"[^\w]+", "-", template)[:40] for template in TEMPLATES])
def test_a_reference_in_context(template: str, reference: str) -> None:
    """A reference that is resolved at run time is not a finding in any of the templates."""
    assert in_text(template.format(reference), "path", "location") == ()


# Any text around a token.
AROUND_TOKENS = ["{}", "make SETTING={} all", '{{"setting": "{}"}}', "see {}, please"]


@pytest.mark.parametrize(("description", "token"), OWN_TOKENS.items(), ids=list(OWN_TOKENS))
@pytest.mark.parametrize("template", AROUND_TOKENS)
def test_a_token_of_a_known_format(template: str, description: str, token: str) -> None:
    """The format identifies a token in any surrounding text."""
    if template.startswith("{{"):
        token = token.replace("\n", "\\n").replace("\\\\n", "\\n")
    (found,) = in_text(template.format(token), "path", "location")
    assert found.description == description.partition(" (")[0]
    assert token not in repr(found)


@pytest.mark.parametrize("token", RULE_BASE_TOKENS.values(), ids=list(RULE_BASE_TOKENS))
@pytest.mark.parametrize("template", AROUND_TOKENS)
def test_a_token_of_the_rule_base(template: str, token: str) -> None:
    """A rule of the exported rule base identifies a token in any surrounding text, and names it."""
    (found,) = in_text(template.format(token), "path", "location")
    assert found.description
    assert not found.description.startswith("plaintext value")
    assert token not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "make test",
        "git clone git@github.com:o/r.git",
        "git clone ssh://git@github.com/o/r.git",
        "git clone https://github.com/o/r.git",
        "git clone https://jane@bitbucket.org/o/r.git",
        "https://example.com/@user:8080/x",
        "https://example.com:8443/a?at=@home",
        "https://example.com/path?mail=a@b.example",
        "https://$GIT_USER:$GIT_PASSWORD@example.com/r.git",
        "https://x-access-token:${GITHUB_TOKEN}@github.com/o/r",
        "https://<user>:<password>@example.com",
        "https://user:****@example.com",
        "https://#{variables.User}:#{variables.Password}@example.com",
        "docker://alpine:3.18@sha256:" + "0a" * 32,
        "mailto:jane@example.com",
        "http://[::1]:8080/",
        "aws secretsmanager get-secret-value --secret-id prod/db --query SecretString",
        "aws secretsmanager get-random-password --password-length 32",
        "aws ssm get-parameter --name /prod/db/password --with-decryption",
        "aws ecr get-login-password --region eu-west-1 | docker login --username AWS --password-stdin $REGISTRY",
        "docker login -u AWS -p $(aws ecr get-login-password) $REGISTRY",
        "docker build --secret id=npm,src=.npmrc .",
        "docker run --name mysql -p 3306:3306 mysql:8",
        "docker run --name mysql -p3306:3306 mysql:8",
        "mysql -h db && mkdir -pv /tmp/out",
        "mysql -u root -p shop",
        "psql --no-password shop",
        "mkdir -p /var/secrets",
        "cp -p token.txt /tmp",
        "curl -u $USER: https://example.com",
        'curl -H "Authorization: Bearer $TOKEN" https://example.com',
        'curl -H "Accept: application/json" https://example.com',
        "aws codeartifact get-authorization-token --domain acme",
        'if [ "$TOKEN" = "expected" ]; then exit 1; fi',
        "if [ $TOKEN = expected ]; then exit 1; fi",
        '[ -z "$DB_PASSWORD" ] && echo "DB_PASSWORD missing"',
        "python -c 'import os; password = os.environ[\"PW\"]'",
        "token=get_token(client)",
        "const token = process.env.TOKEN",
        "password: ${{ secrets.DB_PASSWORD }}",
        "password = var.db_password",
        "-Dtoken=%TOKEN%",
        "$env:TOKEN",
        "TOKEN=$env:OTHER",
        "--token-file /run/token",
        "--password-file=./pw.txt",
        "PASSWORD_FILE=/run/secrets/db",
        "TOKEN=file:///run/token",
        "curl -d @secret.json https://example.com",
        "image: secretsmanager:v1",
        "secretsmanager:v1",
        "docker pull acme/token:1.2.3",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf:password::",
        "prod/db:password:AWSCURRENT",
        "version: 0.2\nenv:\n  secrets-manager:\n    DB_PASSWORD: db:password\n  parameter-store:\n    TOKEN: token1\n",
        "- name: DB_PASSWORD\n  valueFrom: arn:aws:ssm:eu-west-1:111122223333:parameter/db",
        "name=DB_PASSWORD,value=dbpassword1,type=SECRETS_MANAGER",
        "PASSWORD=",
        "PASSWORD='' ./run",
        'PASSWORD="";TOKEN=""',
        '{"password": "", "token": null, "secret": false}',
        "password: required",
        "Use --password and --token to log in",
        "Please check the password policy before you approve.",
        "Token: see the wiki",
        "release/token-refresh",
        "0123456789abcdef0123456789abcdef01234567",
        "123e4567-e89b-12d3-a456-426614174000",
        "-----BEGIN PUBLIC KEY-----\nMIIB",
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "grep -- '-----BEGIN RSA PRIVATE KEY-----' *.pem",
        "s3://bucket/releases/app-1.2.3.zip",
        "https://example.com/oauth/token",
        "AKIA is how an access key id begins; ghp_ is GitHub's",
        "npm_config_registry=https://registry.example.com",
        "task-sk-live-test",
        "sed -i 's/PASSWORD=.*/PASSWORD='$DB_PASSWORD'/' .env",
        'sed -i "s/PASSWORD=.*/PASSWORD=$DB_PASSWORD/" .env',
        "helm install x --set auth.existingSecret=db-secret",
        "kubectl create secret generic db --from-file=password=./pw",
        "export TOKEN=`aws codeartifact get-authorization-token --domain acme --query authorizationToken`",
        "mysql -h $H -u $U -p$DB_PASSWORD shop",
        "Basic authentication is required",
        "printf 'AWS_SECRET_ACCESS_KEY=%s AWS_SESSION_TOKEN=%s' $(assume role)",
        "logger.info('token={}'.format(x))",
        "sed -i 's/@@TOKEN@@/'$TOKEN'/; s/x/TOKEN=__TOKEN__/' f",
        "TOKEN=${TOKEN:?missing}",
        "read -s -p 'Password: ' PASSWORD",
        "ssh -o PasswordAuthentication=no host",
        "sam deploy --parameter-overrides DbPassword='{{resolve:secretsmanager:db}}'",
        "aws sts assume-role --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]'",
        "eyJ is how a JWT begins",
    ],
)
def test_text_without_secrets(text: str) -> None:
    """Locations, references, documentation and prose are not findings."""
    assert in_text(text, "path", "location") == ()


def test_two_secrets_in_one_text() -> None:
    """A command with two different secrets gives two findings with one path."""
    found = in_text(f"GITHUB={GITHUB_TOKEN} DB_PASSWORD={PASSWORD} ./go", "path", "location")
    assert [finding.description for finding in found] == [
        "GitHub Personal Access Token",
        "plaintext value in DB_PASSWORD",
    ]


def test_one_secret_gives_one_finding() -> None:
    """A token in an Authorization header that is assigned to a variable is one finding, by its format."""
    (found,) = in_text(f"TOKEN='Authorization: Bearer {JWT}'", "path", "location")
    assert found.description == "JSON Web Token"


def test_the_path_continues_in_json() -> None:
    """The path and location of a finding in JSON include the field of the JSON."""
    (found,) = in_text('{"a": [{"apiKey": "' + AWS_SECRET_ACCESS_KEY + '"}]}', "revision.content", "AppSpec")
    assert (found.path, found.location) == ("revision.content.a[0].apiKey", "AppSpec, field a[0] apiKey")
