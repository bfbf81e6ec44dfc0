"""The Resource Groups Tagging API of the simulated accounts, for any client that is given their endpoint."""

from moto.core.responses import ActionResult
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse

from exporter.simulator.service_response import ServiceResponse

TAGGING_URL = r"https?://tagging\.(.+)\.amazonaws\.com/.*"


class TaggingResponse(ServiceResponse, ResourceGroupsTaggingAPIResponse):
    """One request to the Resource Groups Tagging API: GetResources answers from the account's resources."""

    def get_resources(self) -> ActionResult:
        """Return a page of the account's tagged resources."""
        parameters = dict(self.params)
        self.account.admit("GetResources", parameters)
        return ActionResult(self.account.call("GetResources", parameters))
