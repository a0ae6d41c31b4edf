"""Token formats: secrets that their format identifies, under any name, and credentials in URLs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeseal.secrets.names import Sensitivity
from pipeseal.secrets.placeholders import consists_of_words, is_placeholder_token, is_random
from pipeseal.secrets.token_formats import find_by_exported_format
from pipeseal.secrets.values import LiteralSecret, is_literal, is_reference


class TokenFormat(NamedTuple):
    """A kind of token; its *pattern* is tried only on a text that contains one of its *markers*.

    The markers make a text without tokens cheap and defer the compilation of a pattern until it is needed. No pattern
    repeats an unbounded part that can match its own start, so the cost is linear in the length of the text.
    """

    description: str
    markers: tuple[str, ...]
    pattern: str


_WORD_START = r"(?<![A-Za-z0-9])"
AWS_ACCESS_KEY_ID = "AWS access key ID"
# What the exported rule base lacks, or describes only beside a vendor's name, which a value alone does not contain.
TOKEN_FORMATS = (
    TokenFormat(AWS_ACCESS_KEY_ID, ("AKIA", "ASIA"), _WORD_START + r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    TokenFormat("AWS session token", ("IQoJb3JpZ2lu", "FwoGZXIvYXdz"), r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[\w/+=%]{40,}"),
    TokenFormat("Bitbucket token", ("ATBB", "ATCTT3"), _WORD_START + r"(?:ATBB|ATCTT3)[\w=-]{24,}"),
    TokenFormat("Slack token", ("xox", "xapp-"), _WORD_START + r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[\w-]{10,}"),
    TokenFormat("Discord webhook URL", ("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}"),
    TokenFormat("Teams webhook URL", ("office.com/webhook",), r"office\.com/webhook(?:b2)?/[\w@-]{30,}"),
    TokenFormat("Zapier webhook URL", ("hooks.zapier.com/",), r"hooks\.zapier\.com/hooks/catch/\d{1,12}/\w{5,}"),
    TokenFormat(
        "IFTTT webhook URL",
        ("maker.ifttt.com/",),
        r"maker\.ifttt\.com/trigger/[\w-]{1,99}/(?:json/)?with/key/[\w-]{20,}",
    ),
    TokenFormat(
        "chat webhook URL",
        ("chat.googleapis.com/",),
        r"chat\.googleapis\.com/v1/spaces/[\w-]{1,40}/messages\?key=[\w-]{20,}&token=[\w%-]{20,}",
    ),
    TokenFormat("webhook signing secret", ("whsec_",), _WORD_START + r"whsec_[A-Za-z0-9+/=]{20,}"),
    TokenFormat(
        "private key",
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:\\{1,4}[rn]|[\s\"',+]){0,80}[A-Za-z0-9+/=]{4,}",
    ),
    TokenFormat("Google OAuth secret", ("GOCSPX-", "ya29."), _WORD_START + r"(?:GOCSPX-|ya29\.)[\w-]{20,}"),
    TokenFormat("Twilio key", ("SK",), _WORD_START + r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    TokenFormat(
        "Azure storage or service bus key",
        ("AccountKey=", "SharedAccessKey=", "accountkey=", "sharedaccesskey="),
        r"(?i:AccountKey|SharedAccessKey)=[A-Za-z0-9+/=]{16,}",
    ),
    TokenFormat("Azure shared access signature", ("sig=",), r"[?&;]sig=[\w%+/=-]{20,}"),
    TokenFormat("Vault token", ("hvs.", "hvb.", "hvr."), _WORD_START + r"hv[sbr]\.[\w-]{20,}"),
    TokenFormat(
        "Anthropic or OpenAI key",
        ("sk-",),
        _WORD_START + r"sk-(?:(?:ant|proj|svcacct|admin)-[\w-]{20,}|[A-Za-z0-9]{40,})",
    ),
    TokenFormat("New Relic key", ("NRAL",), r"(?<![0-9a-f])[0-9a-f]{32,40}(?:FFFF)?NRAL"),
    TokenFormat("Telegram bot token", (":AA",), r"(?<!\d)\d{8,10}:AA[\w-]{30,}"),
    TokenFormat("Notion token", ("ntn_", "secret_"), _WORD_START + r"(?:ntn_|secret_)[A-Za-z0-9]{40,}"),
    TokenFormat(
        "HubSpot token", ("pat-",), _WORD_START + r"pat-(?:na|eu|ap)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    ),
    TokenFormat("Dependency-Track key", ("odt_",), _WORD_START + r"odt_[A-Za-z0-9]{32}"),
    TokenFormat("Fly.io token", ("fo1_",), _WORD_START + r"fo1_[\w-]{40,}"),
    TokenFormat("Tavily key", ("tvly-",), _WORD_START + r"tvly-[\w-]{20,}"),
    TokenFormat("Tailscale key", ("tskey-",), _WORD_START + r"tskey-[a-z]{2,12}-[\w-]{20,}"),
    TokenFormat("SonarQube token", ("squ_", "sqp_", "sqa_"), _WORD_START + r"sq[upa]_[0-9a-f]{40}"),
)

_ANY_MARKER = re.compile("|".join(re.escape(marker) for each in TOKEN_FORMATS for marker in each.markers))
_MIN_LENGTH = 10  # characters of the shortest credential with its surroundings: ://u:pw@h
# A prefix and a generated part, as most vendors make tokens today; sha512-... is a checksum and pk_live_... is public.
_PREFIXED_TOKEN = re.compile(
    r"(?!sha\d|md5|pk[._-]|phc_|pub|sri|h1:)[A-Za-z][A-Za-z0-9]{1,11}(?:[-_.][A-Za-z0-9]{1,8}){0,2}"
    r"[-_.]([A-Za-z0-9_-]{28,255}={0,2})"
)
_BASE64_MARKERS = ("LS0tLS1CRUdJTi", "eyJ", "ewog", "ewoJ", "eyAi")  # -----BEGIN and the beginnings of a JSON object
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])(?:LS0tLS1CRUdJTi|eyJ|ewog|ewoJ|eyAi)[A-Za-z0-9+/]{60,}={0,2}")
_MAX_DECODED = 65536  # characters of base64

_WEBHOOK = (
    r"(?i)https?://(?:web)?hooks?\.[\w.-]{1,100}/([\w/@-]{10,400})"
    r"|https?://[\w.-]{1,100}/(?:[\w.-]{1,60}/){0,6}?(?:hooks?|webhooks?|build_hooks|integrations?)/([\w/@-]{10,400})"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_URL_USERINFO = (
    r"://([^\s/?#:\"'\\]{0,128})(?::([^\s/?#\"'\\]{0,256}))?@(?!sha(?:256|512):)(?=[\w\[$])"
    r"([\w.-]{0,128}(?:/\d{1,20}(?!\w))?)"
)
_SENTRY_DSN = re.compile(r"[0-9a-f]{32}@[\w.-]*(?:sentry[\w.-]*|/\d+)(?:/\d+)?")  # the user is a public key
_MIN_MIXED_TOKEN_LENGTH = 16  # characters; a longer user with letters and digits is no person's name
_MIN_TOKEN_LENGTH = 32
_MIN_CLASSES = 3  # capital and small letters and digits
_DATA_SOURCE_NAME = r"(?<![^\s\"'=])[\w.-]{1,64}:([^\s@/\"']{1,128})@(?:tcp|unix)\("


def find_by_format(text: str) -> Iterator[LiteralSecret]:
    """Yield the tokens in *text*, then the credentials in its URLs; repeats included.

    The order is TOKEN_FORMATS, the exported rule base, base64 of key files.
    """
    if len(text) < _MIN_LENGTH:
        return
    for token_format in TOKEN_FORMATS if _ANY_MARKER.search(text) else ():
        if any(marker in text for marker in token_format.markers):
            for found in re.finditer(token_format.pattern, text):
                if not is_placeholder_token(found[0]):
                    yield LiteralSecret(token_format.description, found[0])
    yield from find_by_exported_format(text)
    if any(marker in text for marker in _BASE64_MARKERS):
        yield from _find_in_base64(text)
    yield from _find_in_addresses(text)


def _find_in_addresses(text: str) -> Iterator[LiteralSecret]:
    """Yield the credentials in the URLs and database addresses of *text*."""
    if "://" in text and "@" in text:
        yield from _find_in_urls(text)
    if "://" in text and ("hook" in text or "integration" in text):
        yield from _find_webhooks(text)
    if "@tcp(" in text or "@unix(" in text:
        yield from _find_in_data_source_names(text)


def is_prefixed_token(value: str) -> bool:
    """Return whether the whole *value* has the form that vendors give tokens: a prefix and a generated part."""
    found = _PREFIXED_TOKEN.fullmatch(value)
    if not found or consists_of_words(found[1]):
        return False
    if is_placeholder_token(value) or is_reference(value, Sensitivity.SECRET):
        return False
    classes = sum(any(test(character) for character in found[1]) for test in (str.isupper, str.islower, str.isdigit))
    return classes >= _MIN_CLASSES


def _find_in_base64(text: str) -> Iterator[LiteralSecret]:
    """Yield each base64 text that decodes to a private key or to JSON with one, as CI stores key files."""
    for found in _BASE64.finditer(text):
        encoded = found[0].rstrip("=")[:_MAX_DECODED]
        try:
            decoded = base64.b64decode(encoded[: len(encoded) // 4 * 4]).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue
        if "PRIVATE KEY-----" in decoded or re.search(
            r'"(?:private_key|client_secret|auth|password|token)"\s*:\s*"[^"]{8,}', decoded
        ):
            yield LiteralSecret("key file in base64", found[0])


def _find_webhooks(text: str) -> Iterator[LiteralSecret]:
    """Yield the URL of each webhook in *text*: its generated part is the only credential."""
    for found in re.finditer(_WEBHOOK, text):
        path = found[1] or found[2]
        has_generated_part = any(is_random(part) and not _COMMIT.fullmatch(part) for part in path.split("/"))
        if has_generated_part and not is_placeholder_token(path):
            yield LiteralSecret("webhook URL", found[0])


def _find_in_urls(text: str) -> Iterator[LiteralSecret]:
    """Yield the password or token before the host of each URL in *text*."""
    # Without this, the # of a CodePipeline variable would end the user information.
    simplified = re.sub(r"#\{[^{}]{0,256}\}|\{\{[^{}]{0,256}\}\}|<[A-Za-z][^<>\n]{0,64}>", "${_}", text)
    for found in re.finditer(_URL_USERINFO, simplified):
        user, password = found[1], found[2] or ""
        if password in {"", "x-oauth-basic"}:  # with the password x-oauth-basic, GitHub takes the user as the token
            if is_token(user) and not _SENTRY_DSN.fullmatch(f"{user}@{found[3]}"):
                yield LiteralSecret("credentials in a URL", user)
        elif is_literal(password, Sensitivity.PASSWORD) or password.isdecimal():
            yield LiteralSecret("credentials in a URL", password)


def _find_in_data_source_names(text: str) -> Iterator[LiteralSecret]:
    """Yield the password of each Go data source name in *text*: user:password@tcp(host:port)/database."""
    for found in re.finditer(_DATA_SOURCE_NAME, text):
        if is_literal(found[1], Sensitivity.PASSWORD):
            yield LiteralSecret("credentials in a database address", found[1])


def is_token(user: str) -> bool:
    """Return whether *user*, the only credential of a URL, is a token; in https://jane@bitbucket.org it is a name."""
    if "@" in user or not is_literal(user, Sensitivity.SECRET):
        return False
    is_mixed = any(character.isdigit() for character in user) and any(character.isalpha() for character in user)
    return (
        "token" in user.lower() or (len(user) >= _MIN_MIXED_TOKEN_LENGTH and is_mixed) or len(user) >= _MIN_TOKEN_LENGTH
    )
