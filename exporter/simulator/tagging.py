"""The Resource Groups Tagging API of the simulated accounts, for any client that is given their endpoint."""

import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.responses import ActionResult
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse

from exporter.simulator.account import Account
from exporter.simulator.errors import ApiError, RawAnswerError

Handler = Callable[[Request, str, Any], TYPE_RESPONSE]


class TaggingBackend(ResourceGroupsTaggingAPIBackend):
    """The backend of the service in one account and Region, which routes requests of moto's mock_aws."""

    def __init__(self, region_name: str, account_id: str, handler: Handler) -> None:
        super().__init__(region_name, account_id)
        self._handler = handler

    @property
    def urls(self) -> dict[str, Handler]:
        """Every path of the service, as AWS's own host names have it."""
        return {r"https?://tagging\.(.+)\.amazonaws\.com/.*": self._handler}

    def reset(self) -> None:
        """Keep everything, as the accounts do."""


class TaggingResponse(ResourceGroupsTaggingAPIResponse):
    """One request to the Resource Groups Tagging API: GetResources answers from the account's resources.

    Args:
        find: returns the account of a Region and an account id.
    """

    def __init__(self, find: Callable[[str, str], Account]) -> None:
        super().__init__()
        self._find = find

    def respond(self, request: Request, url: str | None, headers: Any) -> TYPE_RESPONSE:
        """Answer the request."""
        self.setup_class(request, url, headers)
        account = self._find(self.region, self.current_account)
        date = formatdate(account.now(), usegmt=True)
        try:
            status, answered, body = self.call_action()
        except RawAnswerError as error:
            status, answered, body = error.status, error.headers, error.body
        except ApiError as error:
            body = json.dumps({"__type": error.code, "message": error.message})
            status, answered = error.status, error.headers
        return status, {**answered, "Date": date}, body

    def get_resources(self) -> ActionResult:
        """Return a page of the account's tagged resources."""
        account = self._find(self.region, self.current_account)
        parameters = dict(self.params)
        account.admit("GetResources", parameters)
        return ActionResult(account.call("GetResources", parameters))
