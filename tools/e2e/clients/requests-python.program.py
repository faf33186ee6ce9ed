"""Asks for a Key Vault token as a program does without an SDK, with requests for Python, and says in one line what it got."""
import json
import os
import sys

import requests

wish = json.loads(sys.argv[1])
base = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://169.254.169.254")
names = {"clientId": "client_id", "resourceId": "msi_res_id", "objectId": "object_id"}
query = {name: wish[field] for field, name in names.items() if field in wish}
answer = requests.get(
    f"{base}/metadata/identity/oauth2/token",
    params={"api-version": "2018-02-01", "resource": "https://vault.azure.net", **query},
    headers={"Metadata": "true"},
    timeout=wish["requestTimeoutMs"] / 1000 if "requestTimeoutMs" in wish else None,
)
body = answer.json()
if answer.ok:
    print(json.dumps({"token": body["access_token"]}))
else:
    print(json.dumps({"refused": f"{answer.status_code} {answer.reason}: {answer.text}"}))
