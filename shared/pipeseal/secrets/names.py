"""Between a name and its value: what a field's or variable's name promises of what it holds."""

from __future__ import annotations

import re
from enum import Enum, auto


class Promise(Enum):
    """How surely a name says that its value is secret, and so how little a value needs to be one."""

    NOTHING = auto()
    MAYBE = auto()  # auth, credentials, ssh key: as often the label of a secret as the secret
    KEY = auto()  # an encryption key: as often the id of a KMS key as key material
    SECRET = auto()
    PASSWORD = auto()  # people choose these, so a short one or a number counts as well


def word_list(text: str) -> frozenset[str]:
    """Return the words of a list that reads better without quotes."""
    return frozenset(text.split())


_PASSWORDS = word_list(
    "password passwords passwd passphrase passcode pwd pswd psw pw passwort kennwort senha contraseña contrasena"
)
_SECRETS = word_list("secret secrets token tokens pat apikey apikeys")
_MAYBES = word_list("auth authorization basicauth credential credentials cred creds bearer jwt")
_SECRET_KEYS = word_list(
    "access account admin api auth client consumer hmac integration jwt licence license private secret "
    "session shared storage subscription webhook"
)
_CIPHER_KEYS = word_list("aes cipher crypto decryption encryption encrypt master root sign signature signing")
_LABEL_KEYS = word_list("app application deploy gpg pgp rsa service ssh ssl tls")
_JOINED = (
    ("password", Promise.PASSWORD),
    ("passwd", Promise.PASSWORD),
    ("passphrase", Promise.PASSWORD),
    ("pwd", Promise.PASSWORD),
    ("pass", Promise.PASSWORD),
    ("secret", Promise.SECRET),
    ("token", Promise.SECRET),
    ("apikey", Promise.SECRET),
    ("secretkey", Promise.SECRET),
    ("accesskey", Promise.SECRET),
    ("privatekey", Promise.SECRET),
    ("licensekey", Promise.SECRET),
    ("encryptionkey", Promise.KEY),
    ("signingkey", Promise.KEY),
    ("masterkey", Promise.KEY),
    ("credentials", Promise.MAYBE),
)
_NOT_A_PASS = word_list("bypass compass encompass overpass surpass trespass underpass")

# Said after the secret word, these speak of the secret's whereabouts or rules: SECRET_NAME, TokenUrl, PASSWORD_LENGTH.
_ABOUT = word_list(
    "age alg algo algorithm alias arn arns attempts aud audience backend branch bucket budget cache change changed "
    "characters chars check class column complexity config configuration count created date days dir directory domain "
    "duration email enable enabled endpoint engine env expiration expires expiry exists field file filename files "
    "fingerprint folder format function group handler header helper hint host hostname hours id identifier ids image "
    "interval issuer kind label lambda len length lifetime limit location manager max message min minutes mode name "
    "names namespace org organization owner param parameter parameters params path paths pattern plugin policy port "
    "prefix project prompt provider queue rate ref reference refs regex region repo repository required reset role "
    "rotation rule rules scope scopes seconds server service size source state status stdin store strength suffix "
    "table tag team time timeout timestamp title topic ttl type types uri uris url urls usage used user username "
    "validation validity var variable vars version versions"
)
# DB_PASSWORD_PROD is DB_PASSWORD: an environment's name at the end says nothing of the kind of value.
_ENVIRONMENTS = word_list("dev development live prod production qa stage staging test uat v")
# Said before the secret word, these make it something else: NEXT_TOKEN, existingSecret, --no-password.
_OTHER_TOKENS = word_list(
    "cancellation continuation design existing idempotency max min next num page pagination pull stop"
)
_WITHOUT = word_list("no non skip without")
_NOT_SECRET_KEYS = word_list("kms public pub")
_OTHER_PASSES = word_list("on if must first second one two single all")
_LONGEST = 200  # longer names are nobody's, and need not be split


def words(name: str) -> list[str]:
    """Return the words of *name* in lower case, whether camelCase, snake_case, kebab-case or UPPER."""
    parts = re.findall(r"[A-ZÀ-Þ]+(?![a-zß-ÿ])|[A-ZÀ-Þ]?[a-zß-ÿ]+", name[-_LONGEST:])
    return [part.lower() for part in parts]


def promise(name: str) -> Promise:
    """Return what *name* promises of its value."""
    parts = words(name)
    while parts and parts[-1] in _ENVIRONMENTS:
        parts.pop()
    if not parts:
        return Promise.NOTHING
    if parts[-2:] == ["secret", "id"] and not {"vault", "approle"}.isdisjoint(parts):
        return Promise.SECRET  # HashiCorp Vault's AppRole calls a password so
    if parts[-1] in _ABOUT:
        return Promise.NOTHING
    # The last word that promises something decides: KEY_PASSWORD, SECRET_KEY_BASE.
    for place in range(len(parts) - 1, -1, -1):
        found = _promise_of(parts[place], parts[:place], last=place == len(parts) - 1)
        if found is not Promise.NOTHING:
            return found
    return Promise.NOTHING


def _promise_of(word: str, before: list[str], *, last: bool) -> Promise:
    """Return what *word* promises, given the words *before* it."""
    previous = before[-1] if before else ""
    found = Promise.NOTHING
    if previous in _WITHOUT:
        return found
    if word in {"key", "keys"}:
        found = _promise_of_key(before)
    elif word in _PASSWORDS or (word == "pass" and last and previous not in _OTHER_PASSES):
        found = Promise.PASSWORD
    elif word in _SECRETS:
        found = Promise.NOTHING if previous in _OTHER_TOKENS else Promise.SECRET
    elif word in _MAYBES:
        found = Promise.MAYBE if last else Promise.NOTHING
    elif word != "pass" and word not in _NOT_A_PASS:
        found = next((sure for ending, sure in _JOINED if word.endswith(ending)), Promise.NOTHING)
    return found


def _promise_of_key(before: list[str]) -> Promise:
    """Return what a key promises by the words before it; a key without one is a key to look things up."""
    previous = before[-1] if before else ""
    if not _NOT_SECRET_KEYS.isdisjoint(before):
        return Promise.NOTHING
    if previous in _SECRET_KEYS:
        return Promise.SECRET
    if previous in _CIPHER_KEYS:
        return Promise.KEY
    return Promise.MAYBE if previous in _LABEL_KEYS else Promise.NOTHING
