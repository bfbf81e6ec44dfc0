"""The status page in a real Chromium, served by the real exporter."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from exporter.simulator.errors import ApiError
from exporter.web.status.html import DOCS_URL
from tests.e2e import sorts
from tests.e2e.aws import Aws, simulated_aws
from tests.e2e.fork_server import ForkServer
from tests.e2e.http import ask
from tests.e2e.process import Process, environment, until
from tests.support.browser import Browser, chromium

PHONE, DESKTOP = 360, 1280
HOSTILE = "<script>document.title='taken'</script>\"'<img src=x onerror=alert(1)>"
CONFIG = """\
targets:
  - name: production
    regions: [eu-west-1, us-east-1]
    job_ids: [of-long-ago]
  - name: {long}
    regions: [eu-central-1]
collectors: [backup_jobs, copy_jobs, resources, vaults]
api: {{requests_per_second: 50, idle_refresh: 0s}}
""".format(long="a-name-that-never-ends-" * 8)

STARTING = re.compile('<b class="pending">|still being read')
CONTRASTS = """
const parse = text => {
  const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
  return [r, g, b, a];
};
const over = (front, back) =>
  [0, 1, 2].map(i => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
const background = element => {
  if (!element) return [255, 255, 255, 1];
  const own = parse(getComputedStyle(element).backgroundColor);
  return own[3] === 1 ? own : over(own, background(element.parentElement));
};
const linear = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = colour => {
  const [r, g, b] = colour.map(value => linear(value / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const found = {};
for (const element of document.body.querySelectorAll('*')) {
  const ownText = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  for (const part of [ownText ? null : false, '::before']) {
    if (part === false) continue;
    const style = getComputedStyle(element, part);
    if (part && ['none', 'normal'].includes(style.content)) continue;
    const back = background(element);
    const [a, b] = [light(over(parse(style.color), back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = `${element.tagName}.${element.className}${part || ''}`;
    found[name] = Math.min(ratio, found[name] || Infinity);
  }
}
return found;
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An account with jobs, whose copy jobs cannot be listed in one of its Regions."""
    with simulated_aws() as made:
        for number, state in enumerate(("RUNNING", "COMPLETED", "FAILED")):
            reason = f"no access, {HOSTILE}" if state == "FAILED" else ""
            made.account.put(sorts.job(f"job-{number}", state, StatusMessage=reason))
        made.account.fail("ListCopyJobs", ApiError("AccessDeniedException", 403, f"no {HOSTILE} allows this"))
        yield made


@pytest.fixture(scope="module")
def exporter(aws: Aws, forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """An exporter on it that has been scraped."""
    directory = tmp_path_factory.mktemp("exporter")
    config = directory / "config.yaml"
    config.write_text(CONFIG)
    arguments = ("--config.file", str(config), "--web.listen-address", "127.0.0.1:0")
    variables = environment(directory, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    process = Process(arguments, variables, directory, forks.launch)
    try:
        address = process.address()
        until(lambda: not STARTING.search(ask(address, "/").text), or_say=lambda: process.err)
        yield process
    finally:
        process.kill()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A window of Chromium."""
    with chromium(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture
def page(browser: Browser, exporter: Process) -> Browser:
    """A window that shows the page on a desk, and has forgotten what came before."""
    browser.emulate(DESKTOP)
    browser.requested()
    browser.complaints()
    browser.open(f"http://{exporter.address()}/")
    return browser


def text(page: Browser, selector: str) -> str:
    """The text of the first element that matches, as it is shown."""
    return str(page.run("return document.querySelector(arguments[0]).innerText", selector))


def test_nothing_is_amiss(page: Browser, exporter: Process) -> None:
    """Chromium has nothing to complain of, asks for the page alone, and runs nothing that AWS said."""
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.complaints() == []
    assert [url for url in page.requested() if not url.startswith("data:")] == [
        f"http://{exporter.address()}/"
    ]
    assert page.driver.title == "Unhealthy: AWS Backup exporter"
    assert HOSTILE in text(page, "main")
    assert page.run("return document.scripts.length + document.querySelectorAll('img').length") == 0


def test_the_policy_is_in_force(page: Browser) -> None:
    """A script that got into the page would not run, and Chromium would tell."""
    page.run(
        "const script = document.createElement('script'); script.textContent = 'document.title = 1';"
        "document.body.append(script)"
    )
    assert page.driver.title == "Unhealthy: AWS Backup exporter"
    [complaint] = page.complaints()
    assert "Content Security Policy" in complaint


def test_the_remedy_is_seen_at_once(page: Browser) -> None:
    """What to do about the target that fails stands on the first screen, before all targets."""
    box = page.run("return document.querySelector('.remedy').getBoundingClientRect().toJSON()")
    assert text(page, ".remedy") == 'allow backup:ListCopyJobs on "*" for the identity in use'
    assert box["bottom"] < page.run("return innerHeight")
    assert box["bottom"] < page.run("return document.querySelector('.scopes').getBoundingClientRect().top")
    assert text(page, "#exporter p").startswith("Unhealthy: production in eu-west-1 is failing;")


def test_what_needs_attention_comes_first(page: Browser) -> None:
    """The resource whose backup failed stands at the top of the first screen, with its state and reason."""
    [row] = page.run("return [...document.querySelectorAll('.attention tbody tr')].map(row => row.innerText)")
    assert row.startswith("vol-job-2\nEBS in production in eu-west-1")
    assert "Backup unsuccessful" in row
    assert "10 min ago" in row
    assert f"FAILED no access, {HOSTILE}" in row
    assert text(page, ".summary p").startswith("1 needs attention: backup unsuccessful: 1.")
    top, exporter = (
        page.run("return document.querySelector(arguments[0]).getBoundingClientRect().top", selector)
        for selector in (".attention", "#exporter")
    )
    assert top < exporter


def test_the_targets(page: Browser) -> None:
    """The table shows the target that fails first, with its jobs, and the calls that AWS refused."""
    rows = page.run("return [...document.querySelectorAll('.scopes tbody tr')].map(row => row.innerText)")
    assert len(rows) == 3
    assert rows[0].startswith("production eu-west-1")
    assert "failing" in rows[0]
    assert "1\N{NO-BREAK SPACE}active, 2\N{NO-BREAK SPACE}finished" in rows[0]
    assert "AccessDeniedException" in rows[0]
    assert "failing" not in rows[1] + rows[2]


def test_links_lead_somewhere(page: Browser, exporter: Process) -> None:
    """Each link to the exporter itself is answered with 200; all others lead to the documents."""
    links = set(page.run("return [...document.links].map(link => link.href)"))
    own = {link for link in links if urlsplit(link).netloc == exporter.address()}
    assert all(link.startswith(DOCS_URL) for link in links - own)
    paths = {urlsplit(link)._replace(scheme="", netloc="", fragment="").geturl() for link in own}
    assert paths >= {"/", "/metrics", "/targets", "/config", "/-/healthy", "/-/ready"}
    assert "/probe?target=production&region=us-east-1" in paths
    for path in paths:
        assert ask(exporter.address(), path).status == 200, path


@pytest.mark.parametrize("width", [PHONE, 320, 700, 1089, DESKTOP])
def test_no_scrolling_sideways(page: Browser, width: int) -> None:
    """Whatever the width, nothing sticks out of the page to the side, long names and messages included."""
    page.emulate(width, 740)
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.run("return document.documentElement.scrollWidth") == width
    crowded = (
        "return [...document.querySelectorAll('td, th')].filter(one => one.scrollWidth > one.clientWidth + 1)"
    )
    assert page.run(f"{crowded}.map(one => one.outerHTML)") == []
    out = page.run(
        "return [...document.body.querySelectorAll('*')]"
        ".filter(one => getComputedStyle(one).clipPath === 'none')"
        ".filter(one => one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML)"
    )
    assert out == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_contrast(page: Browser, dark: bool) -> None:
    """Each text, sign and label has at least the contrast that WCAG's level AA asks for."""
    page.emulate(PHONE, dark=dark)  # where labels stand before each cell
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    contrasts = page.run(CONTRASTS)
    assert {"B.failing::before", "B.up::before", "TD.::before", "DIV.summary failing::before"} <= set(
        contrasts
    )
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}


def test_dark_is_dark(page: Browser) -> None:
    """Who wishes for dark pages gets one."""
    grounds = []
    for dark in (False, True):
        page.emulate(DESKTOP, dark=dark)
        rgb = page.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        grounds.append(max(rgb))
    assert grounds[0] > 200
    assert grounds[1] < 60


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_screen_reader_finds_tables_and_states(page: Browser, width: int) -> None:
    """Headings, tables with their heads, and states in words are told on every screen, signs are not."""
    page.emulate(width)
    told = page.accessible()
    assert ("heading", "Problems") in told
    assert ("heading", "Targets and Regions") in told
    assert {"table", "row", "rowheader", "columnheader", "cell"} <= {role for role, _ in told}
    texts = " ".join(name for role, name in told if role == "StaticText")
    assert "up," in texts
    assert "failing" in texts
    assert "✕" not in texts
    assert ("columnheader", "Copy jobs") in told
