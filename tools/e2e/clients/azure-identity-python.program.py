"""Asks for a Key Vault token with Azure's SDK for Python, sync or async, and says in one line what it got."""
import asyncio
import json
import sys

import azure.identity
import azure.identity.aio
from azure.core.exceptions import ClientAuthenticationError

wish = json.loads(sys.argv[1])
scope = "https://vault.azure.net/.default"
library = azure.identity.aio if wish["way"] == "async" else azure.identity


def managed():
    if "clientId" in wish:
        return library.ManagedIdentityCredential(client_id=wish["clientId"])
    if "resourceId" in wish:
        # The sync credential asks through MSAL, which names the parameter itself; the async one sends the name as it is.
        name = "msi_res_id" if wish["way"] == "async" else "resource_id"
        return library.ManagedIdentityCredential(identity_config={name: wish["resourceId"]})
    if "objectId" in wish:
        return library.ManagedIdentityCredential(identity_config={"object_id": wish["objectId"]})
    return library.ManagedIdentityCredential()


def by_default():
    return library.DefaultAzureCredential(managed_identity_client_id=wish.get("clientId"))


def credential():
    return by_default() if wish.get("credential") == "default" else managed()


async def ask_async():
    async with credential() as asked:
        return await asked.get_token(scope)


def ask():
    return asyncio.run(ask_async()) if wish["way"] == "async" else credential().get_token(scope)


try:
    print(json.dumps({"token": ask().token}))
except ClientAuthenticationError as error:
    print(json.dumps({"refused": str(error).replace("\n", " ")}))
