"""Fake secrets, built at run time so that secret scanners do not report this file."""

import random
import string

HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
MIXED = string.ascii_letters + string.digits


def generated(length: int, alphabet: str = MIXED) -> str:
    """Return a text that looks generated, always the same one, with digits if *alphabet* has some."""
    source = random.Random(f"{length} {alphabet}")  # noqa: S311 - no secret
    return "".join(source.choice(alphabet) for _ in range(length))


def uuid() -> str:
    """Return a UUID."""
    return "-".join(generated(length, HEX) for length in (8, 4, 4, 4, 12))


PASSWORD = "Tr0ub4dor" + "-and-3"
JWT = ".".join(("ey" + "JhbGciOiJ" + generated(11), "ey" + "JzdWIiOi" + generated(24), generated(43)))
AWS_ACCESS_KEY_ID = "AK" + "IA" + generated(16, UPPER)
AWS_TEMPORARY_ACCESS_KEY_ID = "AS" + "IA" + generated(16, UPPER)
AWS_SECRET_ACCESS_KEY = generated(20) + "/" + generated(19)
GITHUB_TOKEN = "gh" + "p_" + generated(36)

# The description of the finding, with the variant in parentheses -> a token of a format of pipeseal's own.
OWN_TOKENS = {
    "AWS access key ID": AWS_ACCESS_KEY_ID,
    "AWS access key ID (temporary)": AWS_TEMPORARY_ACCESS_KEY_ID,
    "AWS session token": "IQoJ" + "b3JpZ2lu" + generated(80),
    "Bitbucket token": "AT" + "BB" + generated(32),
    "Slack token": "xo" + "xb-" + generated(12, "123456789") + "-" + generated(12, "987654321") + "-" + generated(24),
    "Slack token (user)": "xo" + "xp-" + generated(12, "1234567890") + "-" + generated(24),
    "Slack token (app)": "xa"
    "pp-1-"
    "A" + generated(10, UPPER) + "-" + generated(13, "123456789") + "-" + generated(64, HEX),
    "Discord webhook URL": "https://discord" + ".com/api/webhooks/" + generated(18, "123456789") + "/" + generated(68),
    "Teams webhook URL": "https://acme.webhook.office.com/webhookb2/" + uuid() + "@" + uuid() + "/IncomingWebhook/x",
    "Zapier webhook URL": "https://hooks." + "zapier.com/hooks/catch/7654321/" + generated(7, LOWER),
    "webhook URL": "https://events." + "pagerduty.com/integration/" + generated(32, HEX) + "/enqueue",
    "webhook signing secret": "wh" + "sec_" + generated(32),
    "private key": "-----BEGIN RSA PRIV" + "ATE KEY-----\nMII" + generated(64),
    "private key (OpenSSH)": "-----BEGIN OPENSSH PRIV" + "ATE KEY-----\\nb3Bl" + generated(60),
    "private key (PKCS 8)": "-----BEGIN PRIV" + "ATE KEY-----MIIE" + generated(60),
    "private key (PGP)": "-----BEGIN PGP PRIV" + "ATE KEY BLOCK-----\n\nlQ" + generated(60),
    "Google OAuth secret": "GOC" + "SPX-" + generated(28),
    "Twilio key": "S" + "K" + generated(32, HEX),
    "Azure storage or service bus key": "DefaultEndpointsProtocol=https;AccountName=acme;Account"
    "Key=" + generated(86) + "==",
    "Azure shared access signature": "https://acme.blob.core.windows.net/c?sv=2022-11-02&sig=" + generated(40) + "%3D",
    "Vault token": "hv" + "s." + generated(24),
    "Anthropic or OpenAI key": "s" + "k-ant-api03-" + generated(80),
    "Anthropic or OpenAI key (project)": "s" + "k-proj-" + generated(48),
    "New Relic key": generated(36, HEX) + "NR" + "AL",
    "Telegram bot token": "123456789:A" + "A" + generated(33),
    "Notion token": "nt" + "n_" + generated(46),
    "HubSpot token": "pa" + "t-na1-" + uuid(),
    "Dependency-Track key": "od" + "t_" + generated(32),
    "Fly.io token": "fo" + "1_" + generated(43),
    "Tavily key": "tv" + "ly-" + generated(32),
    "Tailscale key": "tsk" + "ey-auth-" + generated(12) + "-" + generated(32),
    "SonarQube token": "sq" + "u_" + generated(40, HEX),
}
# What the rule base describes; it names its descriptions.
RULE_BASE_TOKENS = {
    "GitHub": GITHUB_TOKEN,
    "GitHub (OAuth)": "gh" + "o_" + generated(36),
    "GitHub (server)": "gh" + "s_" + generated(36),
    "GitHub (user)": "gh" + "u_" + generated(36),
    "GitHub (refresh)": "gh" + "r_" + generated(36),
    "GitHub (fine-grained)": "github" + "_pat_" + "11" + generated(20, UPPER) + "_" + generated(59),
    "GitLab": "gl" + "pat-" + generated(20),
    "Atlassian": "AT" + "ATT3" + generated(180) + "=0A1B2C3D",
    "Slack webhook": "https://hooks."
    "slack.com/services/T" + generated(8, UPPER) + "/B" + generated(8, UPPER) + "/" + generated(24),
    "Stripe": "sk" + "_live_" + generated(24),
    "Stripe (restricted)": "rk" + "_live_" + generated(24),
    "npm": "np" + "m_" + generated(36),
    "PyPI": "py" + "pi-AgE" + "IcHlwaS5vcmc" + generated(70),
    "RubyGems": "ruby" + "gems_" + generated(48, HEX),
    "age": "AGE-SEC" + "RET-KEY-1" + generated(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "Google": "AI" + "za" + "Sy" + generated(33),
    "SendGrid": "S" + "G." + generated(22) + "." + generated(43),
    "Mailgun": "ke" + "y-" + generated(32, HEX),
    "DigitalOcean": "do" + "p_v1_" + generated(64, HEX),
    "Databricks": "da" + "pi" + generated(32, HEX),
    "Hugging Face": "h" + "f_" + generated(34, string.ascii_letters),
    "New Relic": "NR" + "AK-" + generated(27, UPPER),
    "Grafana": "gl" + "sa_" + generated(32) + "_1a2b3c4d",
    "Sentry": "snt" + "ryu_" + generated(64, HEX),
    "Shopify": "shp" + "at_" + generated(32, HEX),
    "Postman": "PM" + "AK-" + generated(24, HEX) + "-" + generated(34, HEX),
    "Linear": "lin" + "_api_" + generated(40),
    "Pulumi": "pu" + "l-" + generated(40, HEX),
    "Docker Hub": "dc" + "kr_pat_" + generated(27),
    "JSON Web": JWT,
    "DigitalOcean (OAuth)": "do" + "o_v1_" + generated(64, HEX),
    "Docker Swarm": "SWM" + "TKN-1-" + generated(50, LOWER) + "-" + generated(25, LOWER),
    "Buildkite": "bk" + "ua_" + generated(40, HEX),
    "Doppler": "dp" + ".pt." + generated(43),
    "PlanetScale": "psc" + "ale_tkn_" + generated(43),
    "Vercel": "vc" + "p_" + generated(56),
    "Figma": "fi" + "gd_" + generated(40),
    "Heroku": "HR" + "KU-AA" + generated(58),
    "Sourcegraph": "sg" + "p_" + generated(40, HEX),
}
TOKENS = OWN_TOKENS | RULE_BASE_TOKENS
