"""--refresh.on-demand: the exporter refreshes what is scraped, and nothing else."""

from pathlib import Path

import pytest

from tests.e2e import sorts, told
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import until

CONFIG = """\
targets: [{name: company, regions: [eu-west-1, us-east-1]}]
collectors: [backup_jobs, vaults]
"""
PROBE, PROBE_OF_OTHER = (f"/probe?target=company&region={region}" for region in ("eu-west-1", "us-east-1"))


@pytest.fixture
def address(aws: Aws, listen: Run, tmp_path: Path) -> str:
    """An exporter that refreshes two Regions on demand; the first one has a job."""
    aws.account.put(sorts.job("a"))
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return listen("--config.file", str(path), "--refresh.on-demand").address()


def paused(address: str) -> int:
    """Count the collectors that the status page shows as paused."""
    return ask(address, "/").text.count('<b class="paused">')


def test_only_what_is_scraped_is_read(aws: Aws, address: str) -> None:
    """A Region costs no call before its first probe, which shows its jobs; until then it is paused."""
    assert paused(address) == 4
    assert ask(address, PROBE_OF_OTHER).status == 200
    assert paused(address) == 2
    assert aws.operations() == {}

    text = ask(address, PROBE).text

    assert 'job_id="a"' in text
    assert told.published(text, "aws_backup_up").keys()
    until(lambda: aws.operations()["ListBackupVaults"])
    assert paused(address) == 0


def test_a_scrape_of_all_metrics_reads_everything(aws: Aws, address: str) -> None:
    """/metrics counts as a scrape of every target and Region."""
    text = ask(address, "/metrics").text
    assert 'job_id="a"' in text
    up = {
        labels
        for name, labels in told.published(text, "aws_backup_up")
        if ("collector", "backup_jobs") in labels
    }
    assert {dict(labels)["aws_region"] for labels in up} == {"eu-west-1", "us-east-1"}
    until(lambda: aws.operations()["ListBackupVaults"])
    assert paused(address) == 0


def test_a_scrape_of_the_exporters_own_metrics_reads_nothing(aws: Aws, address: str) -> None:
    """Metrics that tell nothing of a target ask for none."""
    text = ask(address, "/metrics?name[]=process_cpu_seconds_total&name[]=python_info").text
    assert "process_cpu_seconds_total" in text
    assert aws.operations() == {}
    assert paused(address) == 4
    assert (
        "aws_backup_up{"
        in ask(address, "/metrics?name[]=process_cpu_seconds_total&name[]=aws_backup_up").text
    )
    assert paused(address) == 0


def test_once_reads_everything(aws: Aws, run: Run) -> None:
    """With --once there is nothing to wait for."""
    aws.account.put(sorts.job("a"))
    process = run("--once", "--refresh.on-demand", AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    assert process.wait() == 0
    assert set(told.published(process.out, "aws_backup_up").values()) == {1}
