"""A job that can still change, as a job store keeps it. Pure."""

from dataclasses import dataclass

from exporter.ledger.job_counts import Place
from exporter.ledger.job_versions import Version
from exporter.ledger.series_queue import SeriesQueue
from exporter.model import Job, RunningJob


@dataclass(slots=True)
class TrackedJob:
    """A job that can still change.

    Attributes:
        version: the newest version that AWS reported.
        description: the newest version from a describe call.
        job: the job as it is published: `version`, with the child counts of `description`.
        created: when it was created, or first seen if AWS does not say.
        bucket: the bucket of that time.
        leaves_with: the bucket with which it leaves the window, if it is finished.
        described_at: when it was last asked about; 0 for never.
        place: where it is counted.
        seen_active: whether AWS ever reported it as not finished.
        end_counted: whether it is counted as finished.
        final: whether it is finished and no more requests are made for it.
        has_series: whether it has series.
        progressed: when it last made progress while running, in seconds after the start of the exporter.
        running: what is published about it while it is running.
        queue, key: its position in the queue for series; none for a configured job, which always has series.
    """

    version: Version
    description: Version | None
    job: Job
    created: float
    bucket: int
    leaves_with: int
    described_at: float
    place: Place | None = None
    seen_active: bool = False
    end_counted: bool = False
    final: bool = False
    has_series: bool = True
    progressed: float = 0.0
    running: RunningJob | None = None
    queue: SeriesQueue | None = None
    key: tuple[float, str] = (0.0, "")


@dataclass(frozen=True, slots=True)
class JobToDescribe:
    """A job that may be described, and when it last was; 0 for never."""

    job: Job
    described_at: float
