"""Names of fields, variables and options: whether a name indicates that its value is a secret."""

from __future__ import annotations

import re
from enum import Enum, auto


class Sensitivity(Enum):
    """How strongly a name indicates that its value is a secret; it sets which values count as one."""

    NONE = auto()
    AMBIGUOUS = auto()  # auth, credentials, SSH key: the value is often only the name of a stored secret
    KEY = auto()  # encryption key: the value is often the ID of a KMS key, not key material
    SECRET = auto()
    PASSWORD = auto()  # chosen by people, so short values and numbers count too


def word_set(text: str) -> frozenset[str]:
    """Return the words of *text*, which spaces separate."""
    return frozenset(text.split())


_PASSWORD_WORDS = word_set(
    "password passwords passwd passphrase passcode pwd pswd psw pw passwort kennwort senha contraseña contrasena"
)
_SECRET_WORDS = word_set("secret secrets token tokens pat apikey apikeys")
_AMBIGUOUS_WORDS = word_set("auth authorization basicauth credential credentials cred creds bearer jwt")
_SECRET_KEY_QUALIFIERS = word_set(
    "access account admin api auth client consumer hmac integration jwt licence license private secret "
    "session shared storage subscription webhook"
)
_ENCRYPTION_KEY_QUALIFIERS = word_set(
    "aes cipher crypto decryption encryption encrypt master root sign signature signing"
)
_AMBIGUOUS_KEY_QUALIFIERS = word_set("app application deploy gpg pgp rsa service ssh ssl tls")
_SENSITIVITY_OF_SUFFIX = (
    ("password", Sensitivity.PASSWORD),
    ("passwd", Sensitivity.PASSWORD),
    ("passphrase", Sensitivity.PASSWORD),
    ("pwd", Sensitivity.PASSWORD),
    ("pass", Sensitivity.PASSWORD),
    ("secret", Sensitivity.SECRET),
    ("token", Sensitivity.SECRET),
    ("apikey", Sensitivity.SECRET),
    ("secretkey", Sensitivity.SECRET),
    ("accesskey", Sensitivity.SECRET),
    ("privatekey", Sensitivity.SECRET),
    ("licensekey", Sensitivity.SECRET),
    ("encryptionkey", Sensitivity.KEY),
    ("signingkey", Sensitivity.KEY),
    ("masterkey", Sensitivity.KEY),
    ("credentials", Sensitivity.AMBIGUOUS),
)
_WORDS_THAT_END_IN_PASS = word_set("bypass compass encompass overpass surpass trespass underpass")

# A name that ends in one of these describes a secret's location, rules or other metadata: SECRET_NAME, TokenUrl.
_METADATA_WORDS = word_set(
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
# A trailing environment name is ignored: DB_PASSWORD_PROD is classified as DB_PASSWORD.
_ENVIRONMENT_WORDS = word_set("dev development live prod production qa stage staging test uat v")
# After one of these, a secret word has another meaning: NEXT_TOKEN, existingSecret, --no-password, PUBLIC_KEY.
_NON_SECRET_QUALIFIERS = word_set(
    "cancellation continuation design existing idempotency max min next num page pagination pull stop"
)
_NEGATIONS = word_set("no non skip without")
_NON_SECRET_KEY_QUALIFIERS = word_set("kms public pub")
_NON_PASSWORD_QUALIFIERS = word_set("on if must first second one two single all")
_MAX_NAME_LENGTH = 200  # characters; only the end of a longer name is classified


def _words(name: str) -> list[str]:
    """Return the words of *name* in lower case; *name* is in camelCase, snake_case, kebab-case or upper case."""
    parts = re.findall(r"[A-ZÀ-Þ]+(?![a-zß-ÿ])|[A-ZÀ-Þ]?[a-zß-ÿ]+", name[-_MAX_NAME_LENGTH:])
    return [part.lower() for part in parts]


def sensitivity_of(name: str) -> Sensitivity:
    """Return how strongly *name* indicates that its value is a secret; NONE for a name without words."""
    parts = _words(name)
    while parts and parts[-1] in _ENVIRONMENT_WORDS:
        parts.pop()
    if not parts:
        return Sensitivity.NONE
    if parts[-2:] == ["secret", "id"] and not {"vault", "approle"}.isdisjoint(parts):
        return Sensitivity.SECRET  # the secret_id of a HashiCorp Vault AppRole is a password
    if parts[-1] in _METADATA_WORDS:
        return Sensitivity.NONE
    # The last word that indicates a secret decides: KEY_PASSWORD, SECRET_KEY_BASE.
    for index in range(len(parts) - 1, -1, -1):
        found = _sensitivity_of_word(parts[index], parts[:index], is_last=index == len(parts) - 1)
        if found is not Sensitivity.NONE:
            return found
    return Sensitivity.NONE


def _sensitivity_of_word(word: str, preceding: list[str], *, is_last: bool) -> Sensitivity:
    """Return the sensitivity of *word* after the *preceding* words of its name."""
    previous = preceding[-1] if preceding else ""
    found = Sensitivity.NONE
    if previous in _NEGATIONS:
        return found
    if word in {"key", "keys"}:
        found = _sensitivity_of_key(preceding)
    elif word in _PASSWORD_WORDS or (word == "pass" and is_last and previous not in _NON_PASSWORD_QUALIFIERS):
        found = Sensitivity.PASSWORD
    elif word in _SECRET_WORDS:
        found = Sensitivity.NONE if previous in _NON_SECRET_QUALIFIERS else Sensitivity.SECRET
    elif word in _AMBIGUOUS_WORDS:
        found = Sensitivity.AMBIGUOUS if is_last else Sensitivity.NONE
    elif word != "pass" and word not in _WORDS_THAT_END_IN_PASS:
        found = next((each for suffix, each in _SENSITIVITY_OF_SUFFIX if word.endswith(suffix)), Sensitivity.NONE)
    return found


def _sensitivity_of_key(preceding: list[str]) -> Sensitivity:
    """Return the sensitivity of "key" after the *preceding* words; without a qualifier it is a lookup key."""
    previous = preceding[-1] if preceding else ""
    if not _NON_SECRET_KEY_QUALIFIERS.isdisjoint(preceding):
        return Sensitivity.NONE
    if previous in _SECRET_KEY_QUALIFIERS:
        return Sensitivity.SECRET
    if previous in _ENCRYPTION_KEY_QUALIFIERS:
        return Sensitivity.KEY
    return Sensitivity.AMBIGUOUS if previous in _AMBIGUOUS_KEY_QUALIFIERS else Sensitivity.NONE
