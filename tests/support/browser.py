"""A real Chromium without a screen, that reaches this machine alone."""

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import ChromeOptions
from selenium.webdriver.chrome.remote_connection import ChromeRemoteConnection
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webdriver import WebDriver

from tests.support.programs import require

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class Browser:
    """One window, and what it says of the pages that it showed."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver

    def emulate(self, width: int, height: int = 800, *, dark: bool = False, scale: float = 1) -> None:
        """Take a screen of this many CSS pixels, and a person's wish for light or dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        self._tell("Emulation.setDeviceMetricsOverride", size)
        wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._tell("Emulation.setEmulatedMedia", {"features": [wish]})

    def open(self, url: str) -> None:
        """Load a page."""
        self.driver.get(url)

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript in the page, whatever the page itself allows; gives what it returns."""
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What the console said since this was last asked: errors, warnings, violations of a policy."""
        return [entry["message"] for entry in self._log("browser")]

    def requested(self) -> list[str]:
        """The addresses that were asked for since this was last asked."""
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def accessible(self) -> list[tuple[str, str]]:
        """The role and name of each part of the page, as a screen reader is told them."""
        nodes = self._tell("Accessibility.getFullAXTree", {})["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]

    def picture(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        path.write_bytes(base64.b64decode(self._tell("Page.captureScreenshot", {"format": "png"})["data"]))

    def _tell(self, command: str, parameters: Mapping[str, object]) -> Any:
        return self.driver.execute("executeCdpCommand", {"cmd": command, "params": parameters})["value"]

    def _log(self, kind: str) -> Any:
        return self.driver.execute("getLog", {"type": kind})["value"]


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Open a window until the block ends; it remembers what it must in a directory of its own."""
    options = ChromeOptions()
    options.binary_location = require("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with _chromedriver(profile) as address:
        # A driver that starts the program itself would talk to it through a proxy of the environment.
        direct = ClientConfig(address, proxy=Proxy({"proxyType": ProxyType.DIRECT}))
        driver = WebDriver(ChromeRemoteConnection(address, client_config=direct), options=options)
        try:
            yield Browser(driver)
        finally:
            driver.quit()


@contextmanager
def _chromedriver(home: Path) -> Iterator[str]:
    service = Service(require("chromedriver"), env={"PATH": os.environ["PATH"], "HOME": str(home)})
    service.start()
    try:
        yield service.service_url
    finally:
        service.stop()
