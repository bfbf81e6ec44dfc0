"""The discovery window, divided into buckets of creation time. Pure."""

from exporter.model import Job

LONGEST_BUCKET = 3600.0
BUCKETS_IN_WINDOW = 24
ROUNDING = 0.001  # seconds; far more than what sums of times lose


class Window:
    """The time for which finished jobs have series. Jobs leave it a bucket at a time.

    Args:
        seconds: how far back it reaches.
    """

    def __init__(self, seconds: float) -> None:
        self.bucket_width = min(LONGEST_BUCKET, seconds / BUCKETS_IN_WINDOW)
        self._seconds = seconds

    def bucket(self, time: float) -> int:
        """The number of the bucket that a time is in; later buckets have higher numbers."""
        return int(time // self.bucket_width)

    def oldest_bucket(self, now: float) -> int:
        """The bucket at the start of the window."""
        return int((now - self._seconds) // self.bucket_width)

    def left_by(self, bucket: int) -> float:
        """The time from which a bucket is before the window; up to a millisecond early."""
        return (bucket + 1) * self.bucket_width + self._seconds - ROUNDING

    def admits(self, job: Job, now: float) -> bool:
        """Whether a job first seen after its end was created in the window, or completed just now.

        A job that was tracked until its end keeps its series for a while, however old it is; one that AWS
        reports only after its end is treated the same.
        """
        created = now if job.created is None else job.created
        just_now = job.completed is not None and 0 <= now - job.completed <= self.bucket_width
        return just_now or created >= now - self._seconds
