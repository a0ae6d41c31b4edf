"""Between a text and a finding: the tokens that show themselves by their format, whatever their name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeseal.secrets.names import Promise
from pipeseal.secrets.values import is_literal


class Format(NamedTuple):
    """A kind of token; its *pattern* is tried only on a text that has one of its *markers*.

    The markers keep a text without tokens cheap and leave the patterns uncompiled until one is needed. No pattern
    has an unbounded part that can start again inside itself, so that a hostile text costs linear time.
    """

    what: str
    markers: tuple[str, ...]
    pattern: str


# A table of our own: detect-secrets would add requests, PyYAML and a plugin loader to every cold start, and its
# findings hold the values.
_START = r"(?<![A-Za-z0-9])"
AWS_KEY_ID = "AWS access key id"
FORMATS = (
    Format(AWS_KEY_ID, ("AKIA", "ASIA"), _START + r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    Format("AWS session token", ("IQoJb3JpZ2lu", "FwoGZXIvYXdz"), r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[\w/+=%]{40,}"),
    Format("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _START + r"gh[pousr]_[A-Za-z0-9]{20,}"),
    Format("GitHub token", ("github_pat_",), _START + r"github_pat_[A-Za-z0-9]{16}\w{10,}"),
    Format(
        "GitLab token",
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"),
        _START + r"gl(?:pat|dt|rt|ptt|cbt)-[\w-]{16,}",
    ),
    Format("Bitbucket token", ("ATBB", "ATCTT3"), _START + r"(?:ATBB|ATCTT3)[\w=-]{24,}"),
    Format("Atlassian token", ("ATATT3",), _START + r"ATATT3[\w=-]{24,}"),
    Format("Slack token", ("xox", "xapp-"), _START + r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[\w-]{10,}"),
    Format("Slack webhook URL", ("hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{20,}"),
    Format("Discord webhook URL", ("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}"),
    Format("Teams webhook URL", ("office.com/webhook",), r"office\.com/webhook(?:b2)?/[\w@-]{30,}"),
    Format("Stripe key", ("_live_", "_test_"), _START + r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    Format("signing secret of a webhook", ("whsec_",), _START + r"whsec_[A-Za-z0-9+/=]{20,}"),
    Format("npm token", ("npm_",), _START + r"npm_[A-Za-z0-9]{30,}"),
    Format("PyPI token", ("pypi-AgE",), r"pypi-AgE[\w-]{16,}"),
    Format("RubyGems token", ("rubygems_",), r"rubygems_[0-9a-f]{40,}"),
    Format("Docker Hub token", ("dckr_",), r"dckr_[op]at_[\w-]{20,}"),
    Format("JSON Web Token", ("eyJ",), r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{10,}"),
    Format(
        "private key",
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:\\{1,4}[rn]|[\s\"',+]){0,80}[A-Za-z0-9+/=]{4,}",
    ),
    Format("age private key", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    Format("Google API key", ("AIza",), _START + r"AIza[\w-]{30,}"),
    Format("Google OAuth secret", ("GOCSPX-", "ya29."), _START + r"(?:GOCSPX-|ya29\.)[\w-]{20,}"),
    Format("SendGrid key", ("SG.",), _START + r"SG\.[\w-]{16,64}\.[\w-]{16,64}"),
    Format("Twilio key", ("SK",), _START + r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    Format("Mailgun key", ("key-",), _START + r"(?<!-)key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    Format(
        "Azure storage or service bus key",
        ("AccountKey=", "SharedAccessKey=", "accountkey=", "sharedaccesskey="),
        r"(?i:AccountKey|SharedAccessKey)=[A-Za-z0-9+/=]{16,}",
    ),
    Format("Azure shared access signature", ("sig=",), r"[?&;]sig=[\w%+/=-]{20,}"),
    Format("Vault token", ("hvs.", "hvb."), _START + r"hv[sb]\.[\w-]{20,}"),
    Format("DigitalOcean token", ("_v1_",), _START + r"do[opr]_v1_[0-9a-f]{32,}"),
    Format("Databricks token", ("dapi",), _START + r"dapi[0-9a-f]{32}"),
    Format("Hugging Face token", ("hf_",), _START + r"hf_[A-Za-z0-9]{30,}"),
    Format(
        "Anthropic or OpenAI key", ("sk-",), _START + r"sk-(?:(?:ant|proj|svcacct|admin)-[\w-]{20,}|[A-Za-z0-9]{40,})"
    ),
    Format("New Relic key", ("NRAK-",), _START + r"NRAK-[A-Z0-9]{20,}"),
    Format("Grafana token", ("glsa_", "glc_"), _START + r"gl(?:sa|c)_[A-Za-z0-9]{20,}"),
    Format("Sentry token", ("sntry",), _START + r"sntry[su]_[\w+/=-]{20,}"),
    Format("Shopify token", ("shp",), _START + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    Format("Postman key", ("PMAK-",), _START + r"PMAK-[0-9a-f]{24}-[0-9a-f]{30,}"),
    Format("Telegram bot token", (":AA",), r"(?<!\d)\d{8,10}:AA[\w-]{30,}"),
    Format("Linear key", ("lin_api_",), _START + r"lin_api_[A-Za-z0-9]{30,}"),
    Format("Pulumi token", ("pul-",), _START + r"pul-[0-9a-f]{40}"),
)

_USERINFO = r"://([^\s/?#@:\"'\\]{0,128})(?::([^\s/?#\"'\\]{0,256}))?@(?!sha(?:256|512):)(?=[\w\[$])"
_LONG = 16  # characters, with a digit among them, that no person is called by
_GO_DSN = r"(?<![^\s\"'=])[\w.-]{1,64}:([^\s@/\"']{1,128})@(?:tcp|unix)\("


class Token(NamedTuple):
    """A secret in a text: *what* it is, and the *literal* itself, which must never leave this package."""

    what: str
    literal: str


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens that show themselves by their format in *text*, kind after kind."""
    for kind in FORMATS:
        if any(marker in text for marker in kind.markers):
            for found in re.finditer(kind.pattern, text):
                yield Token(kind.what, found[0])
    if "@" in text:
        yield from _userinfo(text)


def _userinfo(text: str) -> Iterator[Token]:
    """Yield the credentials that stand before the host of a URL."""
    if "://" in text:
        # A CodePipeline variable holds a #, at which the credentials of a URL would seem to end.
        plain = re.sub(r"#\{[^{}]{0,256}\}|\{\{[^{}]{0,256}\}\}|<[A-Za-z][^<>\n]{0,64}>", "${_}", text)
        for found in re.finditer(_USERINFO, plain):
            user, password = found[1], found[2] or ""
            if password in {"", "x-oauth-basic"}:  # the latter is GitHub's way to say that the user is the token
                if _is_token(user):
                    yield Token("credentials in a URL", user)
            elif is_literal(password, Promise.PASSWORD) or password.isdecimal():
                yield Token("credentials in a URL", password)
    if "@tcp(" in text or "@unix(" in text:
        for found in re.finditer(_GO_DSN, text):
            if is_literal(found[1], Promise.PASSWORD):
                yield Token("credentials in a database address", found[1])


def _is_token(user: str) -> bool:
    """Return whether a lone *user* of a URL is a token; https://jane@bitbucket.org only names a person."""
    if not is_literal(user, Promise.SECRET):
        return False
    mixed = any(letter.isdigit() for letter in user) and any(letter.isalpha() for letter in user)
    return "token" in user.lower() or (len(user) >= _LONG and mixed) or len(user) >= 2 * _LONG
