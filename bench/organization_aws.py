"""An organization on AWS that answers after a given delay, in a separate process.

Each account makes so many backup jobs a day in each Region, evenly over the day; each job runs for the same
time, and one in a hundred fails. Jobs are computed from the time, so that lists cost little.

    python -m bench.organization_aws ACCOUNTS JOBS RUN DELAY
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit

from bench.http_answers import assumed_role, response, serve, serving

HOUR, DAY = 3600.0, 86400.0
PAGE, ACCOUNTS_PAGE = 1000, 20
FAILS = 100  # one of so many jobs
FIRST_ACCOUNT = 10**11
RESOURCES = 10  # of each account and Region

_LISTS = {
    "/copy-jobs/": "CopyJobs",
    "/restore-jobs/": "RestoreJobs",
    "/scan/jobs": "ScanJobs",
    "/resources/": "Results",
    "/backup-vaults/": "BackupVaultList",
    "/backup/plans/": "BackupPlansList",
    "/restore-testing/plans": "RestoreTestingPlans",
    "/audit/frameworks": "Frameworks",
}
_CALLER = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::1:user/bench</Arn><UserId>1</UserId><Account>000000000001</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
_ROW = (
    '{{"AccountId":"{account}","BackupJobId":"{job_id}","BackupVaultName":"prod",'
    '"BackupVaultArn":"arn:aws:backup:{region}:{account}:backup-vault:prod",'
    '"ResourceArn":"arn:aws:ec2:{region}:{account}:volume/vol-{resource}","ResourceType":"EBS",'
    '"ResourceName":"volume-{resource}","CreationDate":{created:.3f},"State":"{state}","PercentDone":"{percent}",'
    '"BackupSizeInBytes":1073741824,"BytesTransferred":1073741824,"IamRoleArn":"arn:aws:iam::{account}:role/backup",'
    '"CreatedBy":{{"BackupPlanId":"plan-{account}","BackupPlanArn":"arn:aws:backup:{region}:{account}:backup-plan:p",'
    '"BackupRuleId":"rule-{account}","BackupRuleCron":"cron(0 5 * * ? *)","BackupRuleTimezone":"Etc/UTC"}},'
    '"IsParent":false{completed}}}'
)
_SCOPE = re.compile(rb"Credential=(\w+)/\d+/([\w-]+)/")
_TARGET = re.compile(rb"^x-amz-target: *\w+\.(\w+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Jobs:
    """The backup jobs of all accounts in one Region: job number n is created `step` seconds after n - 1.

    Attributes:
        accounts: the number of accounts.
        per_day: the number of jobs of each account a day.
        run: how many seconds each job runs.
    """

    accounts: int
    per_day: float
    run: float

    @property
    def step(self) -> float:
        """Seconds between two jobs."""
        return DAY / (self.accounts * self.per_day)

    def page(self, query: Mapping[str, list[str]], region: str, own: str, now: float) -> str:
        """Return one page of a list, newest first."""
        after, before = self._range(query, now)
        account = query.get("accountId", [own])[0]
        stride = 1 if account == "*" else self.accounts
        first, last = -(-after // self.step), before // self.step
        if account != "*":
            last -= (last - (int(account) - FIRST_ACCOUNT)) % self.accounts
        number = int(query.get("nextToken", [str(int(last))])[0])
        numbers = range(number, int(first) - 1, -stride)
        rows = ",".join(self.row(one, region, now) for one in numbers[:PAGE])
        token = f',"NextToken":"{numbers[PAGE]}"' if len(numbers) > PAGE else ""
        return f'{{"BackupJobs":[{rows}]{token}}}'

    def row(self, number: int, region: str, now: float) -> str:
        """Return one job."""
        created = number * self.step
        is_done = now - created >= self.run
        account = FIRST_ACCOUNT + number % self.accounts
        return _ROW.format(
            account=account,
            region=region,
            job_id=f"{region}-{number}",
            resource=number // self.accounts % RESOURCES,
            created=created,
            state=("FAILED" if number % FAILS == 0 else "COMPLETED") if is_done else "RUNNING",
            percent=f"{100.0 if is_done else 100 * (now - created) / self.run:.1f}",
            completed=f',"CompletionDate":{created + self.run:.3f}' if is_done else "",
        )

    def _range(self, query: Mapping[str, list[str]], now: float) -> tuple[float, float]:
        """Return the range of creation times that the filters select."""
        after, before = now - 30 * DAY, now
        if "createdAfter" in query:
            after = max(after, _time(query["createdAfter"][0]))
        if "createdBefore" in query:
            before = min(before, _time(query["createdBefore"][0]))
        if "completeAfter" in query:
            after, before = (
                max(after, _time(query["completeAfter"][0]) - self.run),
                min(before, now - self.run),
            )
        if state := query.get("state", [""])[0]:
            after = max(after, now - self.run) if state == "RUNNING" else now + 1
        return after, before


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True)
class OrganizationOnAws:
    """The running AWS."""

    endpoint_url: str


@contextmanager
def organization_aws(accounts: int, jobs: float, run: float, delay: float) -> Iterator[OrganizationOnAws]:
    """Serve from a child process until the block ends."""
    with serving(__name__, accounts, jobs, run, delay) as endpoint_url:
        yield OrganizationOnAws(endpoint_url)


class _Answers:
    """The responses to requests."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __call__(self, head: bytes, body: bytes) -> bytes:
        url = urlsplit(head.split(b" ", 2)[1].decode())
        if target := _TARGET.search(head):
            return response(self._organizations(target[1].decode(), json.loads(body or b"{}")).encode())
        if url.path == "/":
            return self._sts(unquote(body.decode()))
        scope = _SCOPE.search(head)
        assert scope
        own, region, now = scope[1].decode().removeprefix("ASIA"), scope[2].decode(), time.time()
        if url.path == "/backup-jobs/":
            return response(self._jobs.page(parse_qs(url.query), region, own, now).encode())
        if url.path.startswith("/backup-jobs/"):
            return response(self._jobs.row(int(url.path.rpartition("-")[2]), region, now).encode())
        if url.path == "/account-settings":
            return response(b'{"ResourceTypeOptInPreference":{}}')
        return response(f'{{"{_LISTS[url.path]}":[]}}'.encode())

    def _organizations(self, operation: str, parameters: Mapping[str, str]) -> str:
        if operation == "ListRoots":
            return '{"Roots":[{"Id":"r-root"}]}'
        if operation == "ListOrganizationalUnitsForParent":
            return '{"OrganizationalUnits":[]}'
        start = int(parameters.get("NextToken", "0"))
        end = min(start + ACCOUNTS_PAGE, self._jobs.accounts)
        accounts = [
            {
                "Id": str(FIRST_ACCOUNT + number),
                "Arn": f"arn:aws:organizations::1:account/o/{FIRST_ACCOUNT + number}",
                "Name": f"account-{number}",
                "Status": "ACTIVE",
            }
            for number in range(start, end)
        ]
        more = {"NextToken": str(end)} if end < self._jobs.accounts else {}
        return json.dumps({"Accounts": accounts} | more)

    def _sts(self, body: str) -> bytes:
        if "GetCallerIdentity" in body:
            return response(_CALLER.encode(), b"text/xml")
        return assumed_role(body, HOUR)


async def main(accounts: int, jobs: float, run: float, delay: float) -> None:
    """Serve until terminated."""
    await serve(_Answers(Jobs(accounts, jobs, run)), delay)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *map(float, sys.argv[2:])))
