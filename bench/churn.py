"""Thousands of scrapes while jobs come and go: does memory stay where it is?

    python -m bench.churn SCRAPES

The clock is the benchmark's own and moves a minute a scrape, so that the window passes many times over. Each
minute three jobs are created, and each runs for an hour. What is told is how much memory the process held after
a third of the scrapes and after the last.
"""

import sys
import time
from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import Any

from bench.jobs import REGION, active
from bench.measure import resident, tell
from exporter.claims import Claims
from exporter.collectors.jobs import JobsCollector
from exporter.config import Discovery
from exporter.exposition import Exposition, Form
from exporter.kinds import BACKUP
from exporter.ledger import Book, Ledger
from exporter.model import Scope
from exporter.page import Page
from exporter.telemetry import Telemetry
