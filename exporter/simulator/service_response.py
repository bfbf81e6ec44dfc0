"""What the responses of all simulated services have in common: whose call it is, errors, and the date."""

import json
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

from moto.core.base_backend import BaseBackend
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model

from exporter.simulator.account import Account
from exporter.simulator.errors import ApiError, RawAnswerError
from exporter.simulator.role_sessions import RoleSessions

Handler = Callable[[Request, str, Any], TYPE_RESPONSE]
"""Handles one HTTP request; returns status, headers and body."""


def load_operations(services: Iterable[str]) -> None:
    """Load moto's models of all operations of some services.

    Otherwise the first requests load them, which fails if two threads do so at the same time.
    """
    for model in map(get_service_model, services):
        for operation in model.operation_names:
            model.operation_model(operation)


class ServiceBackend(BaseBackend):
    """A backend that only routes the requests of moto's mock_aws to a handler."""

    def __init__(self, region_name: str, account_id: str, pattern: str, handler: Handler) -> None:
        super().__init__(region_name, account_id)
        self._pattern = pattern
        self._handler = handler

    @property
    def urls(self) -> dict[str, Handler]:
        """The URL pattern of the service, as AWS's own host names have it."""
        return {self._pattern: self._handler}

    def reset(self) -> None:
        """Do nothing: a simulation outlives moto's mocks."""


class ServiceResponse(BaseResponse):
    """One request to a simulated service; comes before a class of moto among the bases.

    Args:
        find: returns the account of a Region and an account id.
        sessions: the sessions of roles, which tell the account of a request.
    """

    def __init__(self, find: Callable[[str, str], Account], sessions: RoleSessions) -> None:
        super().__init__()
        self._find = find
        self._sessions = sessions

    @property
    def account(self) -> Account:
        """The account of the credentials, in the Region of the signature."""
        return self._find(self.region, self.current_account)

    def get_current_account(self) -> str:
        """Return the id of the account that the access key belongs to."""
        return self._sessions.account_id(self.get_access_key())

    def respond(self, request: Request, url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        """Handle the request."""
        self.setup_class(request, url, headers)
        now = self.account.now()
        try:
            token = request.headers.get("X-Amz-Security-Token")
            self._sessions.check(self.get_access_key(), token, now)
            status, answered, body = self.call_action()
        except RawAnswerError as error:
            status, answered, body = error.status, error.headers, error.body
        except ApiError as error:
            status, answered, body = self.error(error)
        answered, body = self._enrich_response(self.response_headers | answered, body)
        return status, {**answered, "Date": formatdate(now, usegmt=True)}, body

    def error(self, error: ApiError) -> TYPE_RESPONSE:
        """Return the response for an error, in the JSON protocol."""
        body = json.dumps({"__type": error.code, "message": error.message})
        return error.status, error.headers, body
