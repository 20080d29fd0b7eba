"""Additional checks of Schemathesis, and what the schema leaves to the description.

`EVERGRANT_OPENAPI_CREDENTIAL` names the credential of the run: `apiKey`, `session` or `console`.
`EVERGRANT_OPENAPI_PROGRAM` is the running program, as JSON.
"""

import json
import os
import sys
from pathlib import Path

import schemathesis

sys.path.insert(0, str(Path(__file__).parent))

from program import Program  # noqa: E402

CREDENTIAL = os.environ["EVERGRANT_OPENAPI_CREDENTIAL"]
PROGRAM = Program(**json.loads(os.environ["EVERGRANT_OPENAPI_PROGRAM"]))

# Codes of well-formed requests that name something which does not exist or report an error of the platform, by operation.
REJECTIONS = {
    "callback": {"INVALID_STATE", "OAUTH_CALLBACK_ERROR"},
    # Any user may be named, but only two can be switched to.
    "changeConsoleSession": {"VALIDATION_ERROR"},
    "connect": {"INVALID_REDIRECT_URL"},
    # `returnUrl` must be an address on the operator's list, and needs `portal`.
    "createSession": {"INVALID_REDIRECT_URL", "VALIDATION_ERROR"},
    "finishFlow": {"INVALID_STATE", "VALIDATION_ERROR"},
    "listFlowAccounts": {"INVALID_STATE"},
    "postCallback": {"INVALID_CODE", "INVALID_STATE", "OAUTH_CALLBACK_ERROR"},
    # The fields depend on the provider.
    "sendCredentials": {"INVALID_STATE", "VALIDATION_ERROR"},
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Requires what the description says is required with the credential of the run."""
    operations = [operation for item in raw_schema["paths"].values() for operation in item.values()]
    if CREDENTIAL == "apiKey":
        for parameter in (one for operation in operations for one in operation.get("parameters", [])):
            if parameter.get("name") == "Evergrant-User":
                parameter["required"] = True
        return
    # A browser sends no header that a link could pass on.
    for response in (one for operation in operations for one in operation["responses"].values()):
        for link in response.get("links", {}).values():
            link.get("parameters", {}).pop("Evergrant-User", None)
    schemas = raw_schema["components"]["schemas"]
    for name, required in [("ConnectRequest", "challenge"), ("FinishFlowRequest", "verifier")]:
        schemas[name].setdefault("required", []).append(required)
        schemas[name]["properties"][required]["type"] = "string"
    raw_schema["paths"]["/api/integrations/connect/{provider}"]["post"]["requestBody"]["required"] = True


@schemathesis.hook
def before_call(context, case, kwargs):
    """Connects the account again that an earlier request of a stateful run disconnected: links start from it."""
    is_start = case.operation.definition.raw["operationId"] == "getStatus"
    if is_start and case.meta and case.meta.phase.name.value == "stateful":
        PROGRAM.ensure_connected()


def problem_code(response):
    """Returns the code of a problem document; `None` for other responses."""
    content_type = response.headers.get("content-type", [""])[0]
    return response.json()["code"] if content_type == "application/problem+json" else None


@schemathesis.check
def problem_code_is_documented(ctx, response, case):
    """The description of a status names each code that the operation answers with it."""
    code = problem_code(response)
    documented = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    if code and documented:
        assert f"`{code}`" in documented["description"], f"{response.status_code} {code} is not documented"


@schemathesis.check
def well_formed_request_is_understood(ctx, response, case):
    """A request that the schema allows is rejected only for the reasons in `REJECTIONS`."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    code = problem_code(response)
    if response.status_code in (400, 422) and code:
        operation = case.operation.definition.raw["operationId"]
        assert code in REJECTIONS.get(operation, set()), f"{response.status_code} {code}: {response.text}"
