"""The commands that take a secret as an argument or under a short option, where no name identifies it."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

# The value after an optional quote (plain or escaped), up to a space or the next quote; this is enough to classify it.
QUOTES = r"(?:\\{0,3}[\"'])?"
VALUE = QUOTES + r"([^\s\"'\\|;<>&,)\]}][^\s\"'\\|;<>,]{0,255})"
# What is between quotes, with spaces, or else a value without them.
_QUOTED_VALUE = r"(?:[\"']([^\"'\n]{1,255})[\"']|([^\s\"'\\|;<>&,)\]}][^\s\"'\\|;<>,]{0,255}))"


class Argument(Enum):
    """What the argument of a command is."""

    SECRET = auto()
    GENERATED = auto()  # an argument that can also be a name or a file; only a generated value is a secret
    USER_AND_SECRET = auto()  # user:password, or a generated token alone


class CommandFormat(NamedTuple):
    """A command that takes a secret as the group of *pattern*; *marker* is in every text that *pattern* matches."""

    description: str
    marker: str
    pattern: str
    argument: Argument = Argument.SECRET


_SEGMENT = r"(?:(?!&&)[^|;\n]){0,500}?"  # the rest of one command; the bound limits the cost of many partial matches
_WORDS = r"(?:[^\s|;&-][^\s|;&]{0,200}[ \t]{1,4})"  # one argument that is no option
_USER = r"[\"']?[^\s:\"'<]{0,100}"
_OPTIONS = r"(?:-{1,2}[\w-]{1,40}(?:=[^\s|;&]{0,200})?[ \t]{1,4}){0,4}"
_ATTACHED_PASSWORD = r"\s-p(?![0-9.]{1,15}:[0-9])" + VALUE  # not docker run --name mysql -p3306:3306


def _option(
    description: str, tool: str, option: str, marker: str = "", argument: Argument = Argument.SECRET
) -> CommandFormat:
    """Return the format of a command of *tool*, a pattern, that takes a secret after a short *option*."""
    pattern = rf"(?<![\w-])(?:{tool})(?:\.exe)?\b{_SEGMENT}\s{option}(?:[ \t]{{1,4}}|=){VALUE}"
    return CommandFormat(description, marker or tool, pattern, argument)


def _argument(description: str, tool: str, marker: str = "", argument: Argument = Argument.SECRET) -> CommandFormat:
    """Return the format of a command that takes a secret right after *tool*, a pattern, and its options."""
    return CommandFormat(description, marker or tool, rf"(?<![\w/-]){tool}[ \t]{{1,4}}{_OPTIONS}{VALUE}", argument)


_LOGIN = "password in a login command"
_DATABASE = "password in a database command"
_REMOTE = "password in a remote command"
_PACKAGE = "credential in a package manager's command"
_SERVICE = "token in a command"
_ARCHIVE = "password in an archive command"
_PARAMETER = "value of a SecureString parameter"

COMMAND_FORMATS = (
    # Registries
    CommandFormat(
        _LOGIN,
        "login",
        r"\b(?:docker|podman|buildah|skopeo|nerdctl|registry|oras|crane|oc|cf|az|ibmcloud|regctl|acr|jf|argocd)\s+"
        r"(?:acr\s+|auth\s+)?login\b" + _SEGMENT + r"\s-p[ =]{0,4}" + VALUE,
    ),
    CommandFormat(_LOGIN, "creds", r"\bskopeo\b" + _SEGMENT + r"--(?:src-|dest-)?creds[ =]" + _USER + ":" + VALUE),
    CommandFormat(
        "password piped to a command",
        " --",
        r"\b(?:echo|printf)\s+(?:-n\s+)?"
        + VALUE
        + r"[\"']?\s*\|[^|;\n]{0,200}--(?:(?:password|passphrase|token)?-?stdin|passphrase-fd)",
    ),
    CommandFormat(
        "password piped to a command",
        "|",
        r"\becho\s+(?:-n\s+)?" + VALUE + r"[\"']?\s*\|\s*(?:sudo\s+(?:-\w\s+){0,4}-\w{0,4}S|kinit\b|cryptsetup\b|su\s)",
    ),
    CommandFormat(
        "token piped to a command",
        "with-token",
        r"\becho\s+(?:-n\s+)?" + VALUE + r"[\"']?\s*\|[^|;\n]{0,200}--with-token",
    ),
    CommandFormat(
        "password piped to a command",
        "chpasswd",
        r"\becho\s+[\"']?[\w.-]{1,64}:" + VALUE + r"[\"']?\s*\|[^|;\n]{0,99}chpasswd",
    ),
    CommandFormat(
        "password piped to a command",
        "<<<",
        r"(?:-stdin|--stdin|--passphrase-fd\s+0|--with-token)\s*<<<\s*" + VALUE,
    ),
    # Databases
    CommandFormat(
        _DATABASE, "mysql", r"\bmysql(?:dump|admin|import|sh|check|show|slap)?\b" + _SEGMENT + _ATTACHED_PASSWORD
    ),
    CommandFormat(_DATABASE, "mariadb", r"\bmariadb(?:-dump|-admin|-import)?\b" + _SEGMENT + _ATTACHED_PASSWORD),
    _option(_DATABASE, r"mongo(?:sh|dump|restore|export|import|files)?", "-p", "mongo"),
    _option(_DATABASE, "redis-cli", "-a"),
    CommandFormat(_DATABASE, "mysqladmin", r"\bmysqladmin\b" + _SEGMENT + r"\spassword\s+" + VALUE),
    CommandFormat(_DATABASE, " -P", r"\b(?:sqlcmd|bcp|osql|isql|Invoke-Sqlcmd)\b" + _SEGMENT + r"\s-P\s?" + VALUE),
    _option(_DATABASE, "cqlsh", "-p"),
    _option(_DATABASE, "cypher-shell", "-p"),
    _argument(_DATABASE, r"set-(?:initial|default)-password", "-password"),
    CommandFormat(
        _DATABASE,
        "/",
        r"(?<![\w/-])(?:sqlplus|sqlldr|impdp|expdp|imp|exp|rman|sql)(?:64)?\s+"
        + _OPTIONS
        + r"(?:-[sSL]\s+|target[ =])?"
        r"[\"']?(?:userid=)?[A-Za-z][\w$#]{0,60}/" + QUOTES + r"([^\s\"'/@\\|;<>&,]{2,100})[\"']?@",
    ),
    CommandFormat(_DATABASE, "db2", r"\bdb2\b" + _SEGMENT + r"\busing\s+" + VALUE),
    CommandFormat(
        _DATABASE,
        "rabbitmqctl",
        r"\brabbitmqctl\s+" + _OPTIONS + r"(?:add_user|change_password)\s+\S{1,100}\s+" + VALUE,
    ),
    # Remote machines
    CommandFormat(_REMOTE, "sshpass", r"\bsshpass\s+(?:-v\s+)?-p\s?" + VALUE),
    CommandFormat(
        _REMOTE,
        "%",
        r"(?<![\w/-])(?:smbclient|rpcclient|winexe|wmic|pth-\w+|net|smbget)\b"
        + _SEGMENT
        + r"(?:-U|--user)[ =]{0,2}[\"']?[^\s%\"']{1,100}%"
        + VALUE,
    ),
    CommandFormat(
        _REMOTE,
        " -p ",
        r"(?i)\b(?:psexec|paexec|winrs|ncftpput|ncftpget|evil-winrm)(?:64)?(?:\.exe)?\b"
        + _SEGMENT
        + r"\s[-/]p(?::|\s+)"
        + VALUE,
    ),
    CommandFormat(_REMOTE, "-pw", r"(?i)\b(?:plink|pscp|psftp|putty)(?:\.exe)?\b" + _SEGMENT + r"\s-pw\s+" + VALUE),
    CommandFormat(
        _REMOTE,
        "/p",
        r"(?i)\b(?:cmdkey|xfreerdp|rdesktop|winrs|signtool|schtasks)(?:\.exe)?\b"
        + _SEGMENT
        + r"\s/(?:pass(?:word)?:|p:|p\s+)"
        + VALUE,
    ),
    CommandFormat(_REMOTE, "net use", r"(?i)\bnet\s+use\s+(?:\w:\s+)?\\\\\S{1,200}\s+" + VALUE + r"[\"']?\s+/user"),
    CommandFormat(
        _REMOTE, "net user", r"(?i)\bnet\s+user\s+[\"']?[\w.\\-]{1,64}[\"']?\s+(?!/)" + VALUE + r"[\"']?\s+/add"
    ),
    CommandFormat(
        _REMOTE, "lftp", r"\blftp\b" + _SEGMENT + r"\s-u\s*[\"']?[^\s,\"']{1,100},[\"']?([^\s\"'|;<>]{2,100})"
    ),
    # Archives, certificates and keys
    CommandFormat(_ARCHIVE, "zip", r"\b(?:un)?zip\b" + _SEGMENT + r"\s-P\s*" + VALUE),
    CommandFormat(_ARCHIVE, "7z", r"\b7z[ar]?\s+[ax]\b" + _SEGMENT + r"\s-p" + VALUE),
    CommandFormat(_ARCHIVE, "rar", r"\b(?:un)?rar\s+[ax]\b" + _SEGMENT + r"\s-h?p" + VALUE),
    CommandFormat(
        "password in an openssl command",
        "pass:",
        r"(?:\s-pass(?:in|out)?|-{1,2}(?:ks|key)-pass)[\s=]+[\"']?pass:" + VALUE,
    ),
    CommandFormat("password in an openssl command", "openssl", r"\bopenssl\s+enc\b" + _SEGMENT + r"\s-[kK]\s+" + VALUE),
    CommandFormat("passphrase of an SSH key", "ssh-keygen", r"\bssh-keygen\b" + _SEGMENT + r"\s-[NP]\s+" + VALUE),
    CommandFormat(
        "password of a keychain",
        "security",
        r"\bsecurity\s+(?:unlock-keychain|create-keychain|import|set-key-partition-list)\s"
        + _SEGMENT
        + r"-[pPk]\s+"
        + VALUE,
    ),
    CommandFormat(
        "password in an htpasswd command",
        "htpasswd",
        r"\bhtpasswd\s+(?=-\w{0,5}b)-(?!\w{0,5}n)\w{1,6}\s+\S{1,200}\s+\S{1,100}\s+" + VALUE,
    ),
    CommandFormat(
        "password in an htpasswd command",
        "htpasswd",
        r"\bhtpasswd\s+(?=-\w{0,5}b)-(?=\w{0,5}n)\w{1,6}\s+\S{1,100}\s+" + VALUE,
    ),
    CommandFormat(
        "password in a directory command",
        "ldap",
        r"\bldap(?:search|modify|add|delete|passwd|whoami)\b" + _SEGMENT + r"\s-w\s*" + VALUE,
    ),
    # Package managers
    CommandFormat(_PACKAGE, "twine", r"\btwine\b" + _SEGMENT + r"\s-p\s*" + VALUE),
    CommandFormat(
        _PACKAGE, "push", r"\b(?:nuget|choco)(?:\.exe)?\s+push\s+" + _WORDS + r"(?!-)" + VALUE, Argument.GENERATED
    ),
    CommandFormat(
        _PACKAGE, " -k", r"\b(?:nuget|choco)(?:\.exe)?\s+(?:push|apikey|delete)\b" + _SEGMENT + r"\s-k(?:\s+|=)" + VALUE
    ),
    _option(_PACKAGE, "dotnet nuget|nuget sources|poetry publish|npm-cli-login", "-p", " -p"),
    _option(_PACKAGE, "altool|notarytool", "-p", "tool"),
    CommandFormat(_PACKAGE, "setapikey", r"(?i)\bnuget(?:\.exe)?\s+setapikey\s+" + VALUE),
    CommandFormat(
        _PACKAGE,
        "http-basic",
        r"\b(?:composer|poetry)\b" + _SEGMENT + r"http-basic\.\S{1,200}\s+[\"']?[^\s\"']{1,100}[\"']?\s+" + VALUE,
    ),
    CommandFormat(
        _PACKAGE,
        "config",
        r"\b(?:composer|poetry)\b"
        + _SEGMENT
        + r"(?:github-oauth|gitlab-oauth|gitlab-token|bearer|pypi-token)\.\S{1,200}\s+"
        + VALUE,
    ),
    CommandFormat(
        _PACKAGE,
        "bundle",
        r"\bbundle(?:r)?\s+config\s+(?:set\s+)?"
        + _OPTIONS
        + r"(?:https?://)?[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/?\s+"
        + VALUE,
        Argument.USER_AND_SECRET,
    ),
    _argument(_PACKAGE, r"cargo[ \t]+login", "cargo"),
    CommandFormat(_PACKAGE, "gem", r"\bgem\s+push\b" + _SEGMENT + r"\s-k\s+" + VALUE, Argument.GENERATED),
    CommandFormat(
        _PACKAGE,
        "config",
        r"\b(?:npm|yarn|pnpm)\s+config\s+set\s+[\"']?(?:\S{0,150}:)?"
        r"(?:_auth|_password|_authToken|npmAuthToken|npmAuthIdent)"
        r"[\"']?(?:\s+|=)" + VALUE,
    ),
    # Services
    _argument(_SERVICE, r"snyk[ \t]+auth", "snyk", Argument.GENERATED),
    CommandFormat(_SERVICE, "snyk", r"\bsnyk\s+config\s+set\s+api=" + VALUE),
    _option(_SERVICE, "codecov(?:cli)?", "-t", "codecov"),
    CommandFormat(_SERVICE, "codecov.io", r"codecov\.io/\w{1,20}\)?" + _SEGMENT + r"\s-t\s+" + VALUE),
    CommandFormat(_SERVICE, "vault", r"\bvault\s+login\s+" + _OPTIONS + r"(?!\w{1,30}=)" + VALUE, Argument.GENERATED),
    CommandFormat(_SERVICE, "unseal", r"\bvault\s+(?:operator\s+)?unseal\s+" + _OPTIONS + VALUE, Argument.GENERATED),
    CommandFormat(
        "secret in a vault command",
        "vault",
        r"\bvault\s+(?:write|login|kv\s+(?:put|patch))\b"
        + _SEGMENT
        + r"\b(?:secret_id|password|token|\w{0,30}(?:secret|_key))="
        + VALUE,
    ),
    CommandFormat(
        "secret in a vault command",
        "vault",
        r"\bvault\s+kv\s+(?:put|patch)\s+"
        + _OPTIONS
        + _WORDS
        + r"(?:[\w.-]{1,60}=[^\s@]\S{0,200}\s+){0,8}[\w.-]{1,60}="
        + VALUE,
        Argument.GENERATED,
    ),
    CommandFormat(_SERVICE, "authtoken", r"\bngrok\s+(?:config\s+add-)?authtoken\s+" + VALUE),
    CommandFormat(
        _SERVICE, " -t ", r"\b(?:doctl|flyctl|fly|vercel|glab)\b" + _SEGMENT + r"\s-t\s+" + VALUE, Argument.GENERATED
    ),
    CommandFormat(_SERVICE, "netlify", r"\bnetlify\b" + _SEGMENT + r"\s(?:-a|--auth)[ =]" + VALUE, Argument.GENERATED),
    CommandFormat(_SERVICE, "auth", r"\bcf\s+auth\s+\S{1,100}\s+" + VALUE),
    CommandFormat(_SERVICE, "authorize", r"\bb2\s+(?:account\s+)?authorize(?:-account)?\s+\S{1,100}\s+" + VALUE),
    CommandFormat(
        _SERVICE, "mc ", r"\bmc\s+(?:alias\s+set|config\s+host\s+add)\s+\S{1,100}\s+\S{1,200}\s+\S{1,100}\s+" + VALUE
    ),
    CommandFormat(_SERVICE, "activate-refresh-token", r"activate-refresh-token\s+\S{1,100}\s+" + VALUE),
    CommandFormat(_SERVICE, "cloudflared", r"\bcloudflared\s+service\s+install\s+" + VALUE),
    CommandFormat(
        "password in a pulumi command",
        "--secret",
        r"\bpulumi\s+config\s+set\b" + _SEGMENT + r"--secret\s+\S{1,100}\s+" + VALUE,
    ),
    CommandFormat(
        "password in a message broker's command",
        "mosquitto",
        r"\bmosquitto_(?:pub|sub|rr)\b" + _SEGMENT + r"\s-P\s+" + VALUE,
    ),
    CommandFormat("password in an email command", "sendemail", r"(?i)\bsendemail\b" + _SEGMENT + r"\s-xp\s+" + VALUE),
    CommandFormat("password in an email command", "swaks", r"\bswaks\b" + _SEGMENT + r"\s-ap\s+" + VALUE),
    CommandFormat("password in a management command", "ipmitool", r"\bipmitool\b" + _SEGMENT + r"\s-P\s+" + VALUE),
    CommandFormat("password in a management command", "kcadm", r"\bkcadm(?:\.sh)?\b" + _SEGMENT + r"\s-p\s+" + VALUE),
    CommandFormat(
        "password in a management command", "add-user", r"\badd-user(?:\.sh)?\b" + _SEGMENT + r"\s-p\s+" + VALUE
    ),
    # HTTP clients
    CommandFormat(
        "user and password in a curl command",
        "curl",
        r"\bcurl(?:\.exe)?\b" + _SEGMENT + r"\s(?:-[A-Za-z]{0,9}[uU]|--user|--proxy-user)[ =]{0,4}" + VALUE,
        Argument.USER_AND_SECRET,
    ),
    CommandFormat(
        "password of a client certificate",
        "curl",
        r"\bcurl\b" + _SEGMENT + r"\s(?:-E|--cert)[ =]{0,4}[\"']?[^\s:\"']{1,200}:" + VALUE,
    ),
    CommandFormat(
        "user and password in an HTTP command",
        "http",
        r"(?<![\w/-])(?:https?|xh)\s" + _SEGMENT + r"(?:-a|--auth)[ =]{1,4}" + VALUE,
        Argument.USER_AND_SECRET,
    ),
    # Kubernetes, AWS and PowerShell
    CommandFormat(
        "value of a Kubernetes secret",
        "from-literal",
        r"\bcreate\s+secret\b" + _SEGMENT + r"--from-literal[= ][\"']?[\w.-]{1,100}=" + VALUE,
    ),
    CommandFormat(
        _PARAMETER,
        "put-parameter",
        r"\bput-parameter\b" + _SEGMENT + r"\bSecureString\b" + _SEGMENT + r"--value[= ]" + VALUE,
    ),
    CommandFormat(
        _PARAMETER,
        "put-parameter",
        r"\bput-parameter\b" + _SEGMENT + r"--value[= ]" + VALUE + r"[^|;\n]{0,300}\bSecureString\b",
    ),
    CommandFormat(
        "value of a PowerShell SecureString",
        "ConvertTo-SecureString",
        r"\bConvertTo-SecureString\s+(?:-(?:String|AsPlainText|Force)\s+){0,3}[\"']([^\"'\n$]{1,256})",
    ),
    CommandFormat(
        "password of a PowerShell credential",
        "redential",
        r"(?i)\b(?:NetworkCredential|PSCredential)\]?(?:::new)?\s*\(\s*[\"'][^\"'\n]{0,100}[\"']\s*,"
        r"\s*[\"']([^\"'\n$]{1,256})",
    ),
    CommandFormat(
        "password in a netrc entry",
        "login",
        r"(?:\bmachine\s+\S{1,200}|\bdefault)\s+login\s+\S{1,100}\s+password\s+" + VALUE,
    ),
)
