"""Names of fields, variables and options: whether a name indicates that its value is a secret."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache


class Sensitivity(Enum):
    """How strongly a name indicates that its value is a secret; it sets which values count as one."""

    NONE = auto()
    AMBIGUOUS = auto()  # auth, credentials, SSH key: the value is often only the name of a stored secret
    RANDOM = auto()  # the key of any product: many names end in "key", so only a value that looks generated counts
    KEY = auto()  # encryption key: the value is often the ID of a KMS key, not key material
    SECRET = auto()
    PASSWORD = auto()  # chosen by people, so short values and numbers count too


def word_set(text: str) -> frozenset[str]:
    """Return the words of *text*, which spaces separate."""
    return frozenset(text.split())


_PASSWORD_WORDS = word_set(
    "password passwords passwd passphrase passcode pwd pswd psw pw psk passwort kennwort senha contraseña contrasena"
)
_SECRET_WORDS = word_set("secret token pat apikey apikeys")
_AMBIGUOUS_WORDS = word_set("auth authorization basicauth credential credentials cred creds bearer jwt tokens secrets")
_RANDOM_WORDS = word_set("hmac licence license pepper salt sas seed writekey")
_SECRET_KEY_QUALIFIERS = word_set(
    "access account admin api auth client consumer hmac integration jwt licence license private secret "
    "session shared storage subscription webhook"
)
_ENCRYPTION_KEY_QUALIFIERS = word_set(
    "aes cipher crypto decryption encryption encrypt master root sign signature signing"
)
_AMBIGUOUS_KEY_QUALIFIERS = word_set("app application deploy gpg pgp rsa service ssh ssl tls")
# Qualifiers of keys that look generated and are public: lookup keys, identifiers, and keys of web pages.
_LOOKUP_KEY_QUALIFIERS = word_set(
    "anon artifact bucket build cache composite config configuration dedup deduplication dict docker feature file "
    "foreign git group hash i idempotency image index issue item json known lock lookup map message metric "
    "object order page partition primary project publishable range recaptcha registry resource row s site sort source "
    "space state surrogate tag ticket tls trace translation unique"
)
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
    ("pw", Sensitivity.PASSWORD),
    ("key", Sensitivity.RANDOM),
)
_OTHER_WORDS_WITH_A_SUFFIX = word_set(
    "bypass compass encompass minipass overpass surpass trespass "
    "underpass donkey hockey hotkey jockey monkey turkey whiskey "
    "cachekey foreignkey hashkey objectkey partitionkey primarykey pubkey publickey rangekey sortkey"
)

# A name that ends in one of these describes a secret's location, rules or other metadata: SECRET_NAME, TokenUrl.
_METADATA_WORDS = word_set(
    "age alg algo algorithm alias arn arns attempts aud audience backend branch bucket budget cache change changed "
    "characters chars check class column complexity config configuration count created date days dir directory domain "
    "duration email enable enabled endpoint engine env expiration expires expiry exists field file filename files "
    "fingerprint folder format function group handler hash header helper hint host hostname hours id identifier ids "
    "image interval issuer kind label lambda len length lifetime limit location manager max message min minutes "
    "mode name "
    "names namespace org organization owner param parameter parameters params path paths pattern plugin policy port "
    "prefix project prompt provider queue rate ref reference refs regex region repo repository required reset role "
    "rotation rule rules scope scopes seconds server service size source state status stdin store strength suffix "
    "table tag team time timeout timestamp title topic ttl type types uri uris url urls usage used user username "
    "validation validity var variable vars version versions"
)
_IDENTIFIER_WORDS = word_set("checksum commit digest dsn etag hash integrity release revision sha slug tags")
# A trailing environment name is ignored: DB_PASSWORD_PROD is classified as DB_PASSWORD.
_ENVIRONMENT_WORDS = word_set("dev development live prod production qa stage staging test uat v")
# After one of these, a secret word has another meaning: NEXT_TOKEN, existingSecret, --no-password, PUBLIC_KEY.
_NON_SECRET_QUALIFIERS = word_set(
    "cancellation change continuation design existing idempotency lock max "
    "min next num page pagination publishable pull stop "
    "store stores"
)
# The credentials of a gem server: BUNDLE_GEMS__EXAMPLE__COM. BUNDLE_BUILD__ is a compiler's option.
_BUNDLER_CREDENTIALS = re.compile(r"BUNDLE_(?!BUILD__|MIRROR__|LOCAL__|JOBS)[A-Z0-9_]*[A-Z0-9]__[A-Z0-9_]+$")
_NEGATIONS = word_set("no non skip without")
_NON_SECRET_KEY_QUALIFIERS = word_set("kms public pub")
_NON_PASSWORD_QUALIFIERS = word_set("on if must first second one two single all")
_MAX_NAME_LENGTH = 200  # characters; only the end of a longer name is classified


def _words(name: str) -> list[str]:
    """Return the words of *name* in lower case; *name* is in camelCase, snake_case, kebab-case or upper case."""
    parts = re.findall(r"[A-ZÀ-Þ]+(?![a-zß-ÿ])|[A-ZÀ-Þ]?[a-zß-ÿ]+", name[-_MAX_NAME_LENGTH:])
    return [part.lower() for part in parts]


@lru_cache(maxsize=1024)
def sensitivity_of(name: str) -> Sensitivity:
    """Return how strongly *name* indicates that its value is a secret; NONE for a name without words."""
    parts = _words(name)
    while parts and parts[-1] in _ENVIRONMENT_WORDS:
        parts.pop()
    if not parts or "::" in name or parts[-3:] == ["client", "request", "token"]:
        return Sensitivity.NONE  # a type of CloudFormation, or a token that makes a request idempotent
    if parts[-2:] == ["secret", "id"] and not {"vault", "approle"}.isdisjoint(parts):
        return Sensitivity.SECRET  # the secret_id of a HashiCorp Vault AppRole is a password
    is_sonar_login = parts[-1] == "login" and len(parts) > 1 and parts[-2].endswith("sonar")  # -Dsonar.login
    if parts[-1] in _METADATA_WORDS or _is_key_of_a_secret(parts):
        return Sensitivity.NONE
    if is_sonar_login or _BUNDLER_CREDENTIALS.match(name):
        return Sensitivity.AMBIGUOUS  # what used to be a user name is a token today
    # The last word that indicates a secret decides: KEY_PASSWORD, SECRET_KEY_BASE.
    fallback = Sensitivity.NONE
    for index in range(len(parts) - 1, -1, -1):
        found = _sensitivity_of_word(parts[index], parts[:index], is_last=index == len(parts) - 1)
        if found is Sensitivity.RANDOM:
            fallback = found  # a word before it can say more: PASSWORD_SALT
        elif found is not Sensitivity.NONE:
            return found
    return fallback


def is_metadata(name: str) -> bool:
    """Return whether *name* says that its value identifies or locates something: PRICE_ID, CommitHash."""
    parts = _words(name)
    return bool(parts) and (parts[-1] in _METADATA_WORDS or parts[-1] in _IDENTIFIER_WORDS)


def _is_key_of_a_secret(parts: list[str]) -> bool:
    """Return whether a name tells under which key a secret is stored: adminPasswordKey, secretKeys."""
    return parts[-1] in {"key", "keys"} and len(parts) > 1 and parts[-2] in _PASSWORD_WORDS


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
    elif word in _RANDOM_WORDS:
        found = Sensitivity.RANDOM if is_last else Sensitivity.NONE
    elif word in _AMBIGUOUS_WORDS:
        is_other = not is_last or previous in _NON_SECRET_QUALIFIERS
        found = Sensitivity.NONE if is_other else Sensitivity.AMBIGUOUS
    elif word != "pass" and word not in _OTHER_WORDS_WITH_A_SUFFIX:
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
    if previous in _AMBIGUOUS_KEY_QUALIFIERS:
        return Sensitivity.AMBIGUOUS
    is_lookup_key = not previous or not _LOOKUP_KEY_QUALIFIERS.isdisjoint(preceding)
    return Sensitivity.NONE if is_lookup_key else Sensitivity.RANDOM
