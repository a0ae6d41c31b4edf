"""Fake secrets, built at run time so that secret scanners do not report this file."""

PASSWORD = "Tr0ub4dor" + "-and-3"
JWT = ".".join(("ey" + "J" + "a1B2" * 5, "ey" + "J" + "c3D4" * 6, "e5F6" * 8))
AWS_ACCESS_KEY_ID = "AK" + "IA" + "Z7" * 8
AWS_TEMPORARY_ACCESS_KEY_ID = "AS" + "IA" + "Q3" * 8
AWS_SECRET_ACCESS_KEY = "q8" * 10 + "/" + "K4" * 9 + "z"
GITHUB_TOKEN = "gh" + "p_" + "a1" * 18

# The description of the finding, with the variant in parentheses -> a token of that format.
TOKENS = {
    "AWS access key ID": AWS_ACCESS_KEY_ID,
    "AWS access key ID (temporary)": AWS_TEMPORARY_ACCESS_KEY_ID,
    "AWS session token": "IQoJ" + "b3JpZ2lu" + "aB3/" * 20,
    "GitHub token": GITHUB_TOKEN,
    "GitHub token (OAuth)": "gh" + "o_" + "b2" * 18,
    "GitHub token (server)": "gh" + "s_" + "c3" * 18,
    "GitHub token (user)": "gh" + "u_" + "d4" * 18,
    "GitHub token (refresh)": "gh" + "r_" + "e5" * 18,
    "GitHub token (fine-grained)": "github" + "_pat_" + "11" + "A0" * 10 + "_" + "b9" * 29,
    "GitLab token": "gl" + "pat-" + "x_" + "y7" * 9,
    "Bitbucket token": "AT" + "BB" + "m3" * 16,
    "Atlassian token": "AT" + "ATT3" + "xFf" * 20 + "=0A1B2C3D",
    "Slack token": "xo" + "xb-" + "1" * 12 + "-" + "2" * 12 + "-" + "aB" * 12,
    "Slack token (user)": "xo" + "xp-" + "3" * 12 + "-" + "cD" * 12,
    "Slack webhook URL": "https://hooks." + "slack.com/services/T" + "0A" * 4 + "/B" + "1C" * 4 + "/" + "d2" * 12,
    "Discord webhook URL": "https://discord" + ".com/api/webhooks/" + "4" * 18 + "/" + "fG" * 30,
    "Teams webhook URL": "https://acme.webhook.office" + ".com/webhookb2/" + "1a2b3c4d-" * 4 + "@" + "9f" * 10,
    "Stripe key": "sk" + "_live_" + "h6" * 12,
    "Stripe key (restricted)": "rk" + "_live_" + "j8" * 12,
    "webhook signing secret": "wh" + "sec_" + "k9" * 16,
    "npm token": "np" + "m_" + "L1" * 18,
    "PyPI token": "py" + "pi-AgE" + "IcHlwaS5vcmc" + "n2" * 20,
    "RubyGems token": "ruby" + "gems_" + "5d" * 24,
    "Docker Hub token": "dc" + "kr_pat_" + "p3" * 14,
    "JSON Web Token": JWT,
    "private key": "-----BEGIN RSA PRIV" + "ATE KEY-----\nMII" + "q4" * 20,
    "private key (OpenSSH)": "-----BEGIN OPENSSH PRIV" + "ATE KEY-----\\nb3Bl" + "r5" * 20,
    "private key (PKCS 8)": "-----BEGIN PRIV" + "ATE KEY-----MIIE" + "s6" * 20,
    "private key (PGP)": "-----BEGIN PGP PRIV" + "ATE KEY BLOCK-----\n\nlQ" + "t7" * 20,
    "age private key": "AGE-SEC" + "RET-KEY-1" + "Q7" * 29,
    "Google API key": "AI" + "za" + "Sy" + "u8" * 17,
    "Google OAuth secret": "GOC" + "SPX-" + "v9" * 14,
    "SendGrid key": "S" + "G." + "w1" * 11 + "." + "x2" * 21,
    "Twilio key": "S" + "K" + "0f" * 16,
    "Mailgun key": "ke" + "y-" + "1e" * 16,
    "Azure storage or service bus key": "DefaultEndpointsProtocol=https;AccountName=acme;Account"
    "Key=" + "yZ3" * 28 + "==",
    "Azure shared access signature": "https://acme.blob.core.windows.net/c?sv=2022-11-02&s" + "ig=" + "a4%2B" * 8,
    "Vault token": "hv" + "s." + "CAES" * 6,
    "DigitalOcean token": "do" + "p_v1_" + "2d" * 32,
    "Databricks token": "da" + "pi" + "3c" * 16,
    "Hugging Face token": "h" + "f_" + "b5" * 17,
    "Anthropic or OpenAI key": "s" + "k-ant-api03-" + "c6" * 40,
    "Anthropic or OpenAI key (project)": "s" + "k-proj-" + "d7" * 24,
    "New Relic key": "NR" + "AK-" + "E8" * 13,
    "Grafana token": "gl" + "sa_" + "f9" * 16 + "_1a2b3c4d",
    "Sentry token": "snt" + "rys_" + "g1" * 20,
    "Shopify token": "shp" + "at_" + "4b" * 16,
    "Postman key": "PM" + "AK-" + "5a" * 12 + "-" + "6f" * 17,
    "Telegram bot token": "123456789:A" + "A" + "h2" * 17,
    "Linear key": "lin" + "_api_" + "j3" * 20,
    "Pulumi token": "pu" + "l-" + "7e" * 20,
}
