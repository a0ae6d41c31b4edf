"""Token formats: secrets that their format identifies, under any name, and credentials in URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeseal.secrets.names import Sensitivity
from pipeseal.secrets.values import LiteralSecret, is_literal


class TokenFormat(NamedTuple):
    """A kind of token; its *pattern* is tried only on a text that contains one of its *markers*.

    The markers make a text without tokens cheap and defer the compilation of a pattern until it is needed. No pattern
    repeats an unbounded part that can match its own start, so the cost is linear in the length of the text.
    """

    description: str
    markers: tuple[str, ...]
    pattern: str


# The package detect-secrets is no alternative: it adds requests, PyYAML and a plugin loader to every cold start, and
# its findings contain the values.
_WORD_START = r"(?<![A-Za-z0-9])"
AWS_ACCESS_KEY_ID = "AWS access key ID"
TOKEN_FORMATS = (
    TokenFormat(AWS_ACCESS_KEY_ID, ("AKIA", "ASIA"), _WORD_START + r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    TokenFormat("AWS session token", ("IQoJb3JpZ2lu", "FwoGZXIvYXdz"), r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[\w/+=%]{40,}"),
    TokenFormat("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _WORD_START + r"gh[pousr]_[A-Za-z0-9]{20,}"),
    TokenFormat("GitHub token", ("github_pat_",), _WORD_START + r"github_pat_[A-Za-z0-9]{16}\w{10,}"),
    TokenFormat(
        "GitLab token",
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"),
        _WORD_START + r"gl(?:pat|dt|rt|ptt|cbt)-[\w-]{16,}",
    ),
    TokenFormat("Bitbucket token", ("ATBB", "ATCTT3"), _WORD_START + r"(?:ATBB|ATCTT3)[\w=-]{24,}"),
    TokenFormat("Atlassian token", ("ATATT3",), _WORD_START + r"ATATT3[\w=-]{24,}"),
    TokenFormat("Slack token", ("xox", "xapp-"), _WORD_START + r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[\w-]{10,}"),
    TokenFormat(
        "Slack webhook URL", ("hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{20,}"
    ),
    TokenFormat("Discord webhook URL", ("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}"),
    TokenFormat("Teams webhook URL", ("office.com/webhook",), r"office\.com/webhook(?:b2)?/[\w@-]{30,}"),
    TokenFormat("Stripe key", ("_live_", "_test_"), _WORD_START + r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    TokenFormat("webhook signing secret", ("whsec_",), _WORD_START + r"whsec_[A-Za-z0-9+/=]{20,}"),
    TokenFormat("npm token", ("npm_",), _WORD_START + r"npm_[A-Za-z0-9]{30,}"),
    TokenFormat("PyPI token", ("pypi-AgE",), r"pypi-AgE[\w-]{16,}"),
    TokenFormat("RubyGems token", ("rubygems_",), r"rubygems_[0-9a-f]{40,}"),
    TokenFormat("Docker Hub token", ("dckr_",), r"dckr_[op]at_[\w-]{20,}"),
    TokenFormat("JSON Web Token", ("eyJ",), r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{10,}"),
    TokenFormat(
        "private key",
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:\\{1,4}[rn]|[\s\"',+]){0,80}[A-Za-z0-9+/=]{4,}",
    ),
    TokenFormat("age private key", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    TokenFormat("Google API key", ("AIza",), _WORD_START + r"AIza[\w-]{30,}"),
    TokenFormat("Google OAuth secret", ("GOCSPX-", "ya29."), _WORD_START + r"(?:GOCSPX-|ya29\.)[\w-]{20,}"),
    TokenFormat("SendGrid key", ("SG.",), _WORD_START + r"SG\.[\w-]{16,64}\.[\w-]{16,64}"),
    TokenFormat("Twilio key", ("SK",), _WORD_START + r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    TokenFormat("Mailgun key", ("key-",), _WORD_START + r"(?<!-)key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    TokenFormat(
        "Azure storage or service bus key",
        ("AccountKey=", "SharedAccessKey=", "accountkey=", "sharedaccesskey="),
        r"(?i:AccountKey|SharedAccessKey)=[A-Za-z0-9+/=]{16,}",
    ),
    TokenFormat("Azure shared access signature", ("sig=",), r"[?&;]sig=[\w%+/=-]{20,}"),
    TokenFormat("Vault token", ("hvs.", "hvb."), _WORD_START + r"hv[sb]\.[\w-]{20,}"),
    TokenFormat("DigitalOcean token", ("_v1_",), _WORD_START + r"do[opr]_v1_[0-9a-f]{32,}"),
    TokenFormat("Databricks token", ("dapi",), _WORD_START + r"dapi[0-9a-f]{32}"),
    TokenFormat("Hugging Face token", ("hf_",), _WORD_START + r"hf_[A-Za-z0-9]{30,}"),
    TokenFormat(
        "Anthropic or OpenAI key",
        ("sk-",),
        _WORD_START + r"sk-(?:(?:ant|proj|svcacct|admin)-[\w-]{20,}|[A-Za-z0-9]{40,})",
    ),
    TokenFormat("New Relic key", ("NRAK-",), _WORD_START + r"NRAK-[A-Z0-9]{20,}"),
    TokenFormat("Grafana token", ("glsa_", "glc_"), _WORD_START + r"gl(?:sa|c)_[A-Za-z0-9]{20,}"),
    TokenFormat("Sentry token", ("sntry",), _WORD_START + r"sntry[su]_[\w+/=-]{20,}"),
    TokenFormat("Shopify token", ("shp",), _WORD_START + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    TokenFormat("Postman key", ("PMAK-",), _WORD_START + r"PMAK-[0-9a-f]{24}-[0-9a-f]{30,}"),
    TokenFormat("Telegram bot token", (":AA",), r"(?<!\d)\d{8,10}:AA[\w-]{30,}"),
    TokenFormat("Linear key", ("lin_api_",), _WORD_START + r"lin_api_[A-Za-z0-9]{30,}"),
    TokenFormat("Pulumi token", ("pul-",), _WORD_START + r"pul-[0-9a-f]{40}"),
)

_URL_USERINFO = r"://([^\s/?#@:\"'\\]{0,128})(?::([^\s/?#\"'\\]{0,256}))?@(?!sha(?:256|512):)(?=[\w\[$])"
_MIN_MIXED_TOKEN_LENGTH = 16  # characters; a longer user with letters and digits is no person's name
_MIN_TOKEN_LENGTH = 32
_DATA_SOURCE_NAME = r"(?<![^\s\"'=])[\w.-]{1,64}:([^\s@/\"']{1,128})@(?:tcp|unix)\("


def find_by_format(text: str) -> Iterator[LiteralSecret]:
    """Yield the tokens in *text* in the order of TOKEN_FORMATS, then the credentials in its URLs; repeats included."""
    for token_format in TOKEN_FORMATS:
        if any(marker in text for marker in token_format.markers):
            for found in re.finditer(token_format.pattern, text):
                yield LiteralSecret(token_format.description, found[0])
    if "://" in text and "@" in text:
        yield from _find_in_urls(text)
    if "@tcp(" in text or "@unix(" in text:
        yield from _find_in_data_source_names(text)


def _find_in_urls(text: str) -> Iterator[LiteralSecret]:
    """Yield the password or token before the host of each URL in *text*."""
    # Without this, the # of a CodePipeline variable would end the user information.
    simplified = re.sub(r"#\{[^{}]{0,256}\}|\{\{[^{}]{0,256}\}\}|<[A-Za-z][^<>\n]{0,64}>", "${_}", text)
    for found in re.finditer(_URL_USERINFO, simplified):
        user, password = found[1], found[2] or ""
        if password in {"", "x-oauth-basic"}:  # with the password x-oauth-basic, GitHub takes the user as the token
            if _is_token(user):
                yield LiteralSecret("credentials in a URL", user)
        elif is_literal(password, Sensitivity.PASSWORD) or password.isdecimal():
            yield LiteralSecret("credentials in a URL", password)


def _find_in_data_source_names(text: str) -> Iterator[LiteralSecret]:
    """Yield the password of each Go data source name in *text*: user:password@tcp(host:port)/database."""
    for found in re.finditer(_DATA_SOURCE_NAME, text):
        if is_literal(found[1], Sensitivity.PASSWORD):
            yield LiteralSecret("credentials in a database address", found[1])


def _is_token(user: str) -> bool:
    """Return whether *user*, the only credential of a URL, is a token; in https://jane@bitbucket.org it is a name."""
    if not is_literal(user, Sensitivity.SECRET):
        return False
    is_mixed = any(character.isdigit() for character in user) and any(character.isalpha() for character in user)
    return (
        "token" in user.lower() or (len(user) >= _MIN_MIXED_TOKEN_LENGTH and is_mixed) or len(user) >= _MIN_TOKEN_LENGTH
    )
