"""Which resources are backed up as parts of a composite resource, such as a CloudFormation stack. Pure."""

from collections.abc import Collection, Iterable, Iterator

from exporter.ledger.newest_jobs import created
from exporter.model import Job


class Composites:
    """The parent jobs, and the resources of their child jobs.

    Attributes:
        parents: the parent jobs by ID.
    """

    def __init__(self) -> None:
        self.parents: dict[str, Job] = {}
        self._children: dict[str, set[str]] = {}  # ARNs of resources by parent job ID
        self._parts: dict[str, set[str]] = {}  # ARNs of parts by ARN of the composite
        self._part_of: dict[str, str] = {}  # ARN of the composite by ARN of the part

    def add_parent(self, job: Job) -> Collection[str]:
        """Add a parent job. Return the ARNs of the resources of its child jobs."""
        self.parents[job.id] = job
        return self._children.get(job.id, ())

    def add_child(self, job: Job) -> None:
        """Add a child job."""
        self._children.setdefault(job.parent_id, set()).add(job.resource_arn)

    def set_composite(self, arn: str, composite_arn: str) -> None:
        """Record which composite a resource is a part of; an empty ARN for none."""
        before = self._part_of.pop(arn, "")
        if before:
            self._parts[before].discard(arn)
            if not self._parts[before]:
                del self._parts[before]
        if composite_arn:
            self._part_of[arn] = composite_arn
            self._parts.setdefault(composite_arn, set()).add(arn)

    def parts_of(self, arns: Iterable[str]) -> Iterator[str]:
        """Yield the ARNs of the parts of some resources."""
        return (part for arn in arns for part in self._parts.get(arn, ()))

    @property
    def is_empty(self) -> bool:
        """Whether there are neither parent nor child jobs."""
        return not (self.parents or self._children)

    def remove_before(self, time: float, needed: Collection[str]) -> None:
        """Remove the parent jobs that were created before a time, except those with the IDs `needed`."""
        old = [job_id for job_id, job in self.parents.items() if job_id not in needed and created(job) < time]
        for job_id in old:
            del self.parents[job_id]
        self._children = {
            job_id: arns
            for job_id, arns in self._children.items()
            if job_id in needed or job_id in self.parents
        }
