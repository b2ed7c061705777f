"""The policy and the configuration of the gate that `maskgate init` writes to start from."""

from __future__ import annotations

POLICY = """\
# A first policy, written by `maskgate init`. It lets nothing out without a signature.
version: 1

# Accounts of one person, in Airflow, in Prefect's runs and at your identity provider. Put your own here:
# an account that stands nowhere in this list decides nothing.
people:
  requester: ["airflow:prod|requester"]
  reviewer: ["airflow:prod|reviewer"]

reviewers:
  privacy: {people: [reviewer]}

# Who answers for runs that nobody triggers by hand. They cannot sign for these either.
requesters:
  "airflow:prod|*": [requester]

# Columns that the gate itself recognises as naming a person leave in one of these ways, or not at all.
floor:
  direct_identifier: [drop, redact, nullify, mask, token]

policies:
  - name: external export
    when: {action: [export], destination: {trust: [external]}}
    require: {slots: {privacy: 1}, distinct: 1}
    channels: [web, airflow]
    reason: {min_length: 10}
    expires: 24h

# Once there are two reviewers: how this policy, destinations and rules can be changed. Without it they stay.
#  - name: changes to the gate itself
#    when: {action: [change-policy, change-destinations, register-rules]}
#    require: {slots: {privacy: 2}, distinct: 2}

otherwise: refuse
"""

GATE = """\
# The gate's configuration, written by `maskgate init`. Paths start at this file's folder.
version: 1
url: http://127.0.0.1:8470
policy: policy.yaml
rules: [rules.yaml]

# Where masked files wait. Workers and gate must both reach it; `upload_only: true` sends them over HTTP instead.
staging:
  shared: {uri: staging}

# Where approved files go. Nobody but the gate needs access there.
destinations:
  partner: {uri: released, trust: external}

# Who answers for what is asked with the token of pipelines, and so cannot sign it.
tokens:
  pipeline: {owner: requester}

# The hosts whose runs ask, with the gate's own account. The name (`prod`) is the one in accounts of the policy.
# airflow:
#   prod: {url: http://127.0.0.1:8080, username: gate, password: env:MASKGATE_AIRFLOW_PASSWORD}
# prefect:
#   local: {url: http://127.0.0.1:4200/api}

# Where people log in to the page on which they sign.
# login:
#   company: {issuer: https://login.example.org, client_id: maskgate, client_secret: env:MASKGATE_LOGIN_SECRET}
"""
