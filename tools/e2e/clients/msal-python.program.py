"""Asks for a Key Vault token with Debian's python3-msal, and says in one line what it got."""
import json
import sys

import msal
import requests

wish = json.loads(sys.argv[1])
selector = {
    name: wish[field]
    for field, name in (("clientId", "client_id"), ("resourceId", "resource_id"), ("objectId", "object_id"))
    if field in wish
}
identity = msal.UserAssignedManagedIdentity(**selector) if selector else msal.SystemAssignedManagedIdentity()
client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
result = client.acquire_token_for_client(resource="https://vault.azure.net")
if "access_token" in result:
    print(json.dumps({"token": result["access_token"]}))
else:
    print(json.dumps({"refused": "{error}: {error_description}".format(**result)}))
