"""One stand-in system: the world with its journal, readers and writers, and the faults in it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from connector.sandbox.access import Gate
from connector.sandbox.chronicle import PlantDay
from connector.sandbox.faults import Switchboard
from connector.sandbox.faults_standing import ShownTables
from connector.sandbox.habits import Habits
from connector.sandbox.journal import Journal
from connector.sandbox.lens import Lens
from connector.sandbox.odata_read import Reader
from connector.sandbox.odata_write import Writer
from connector.sandbox.options import SandboxOptions
from connector.sandbox.views import Views
from connector.sandbox.world import World


class System:
    """Everything behind the two doors."""

    def __init__(self, options: SandboxOptions) -> None:
        """Make the world and live through its history and its state file."""
        self.options = options
        self.habits: Habits = options.habits
        self.world = World(options.world)
        self.journal = Journal(self.world, options.state_file)
        self.switchboard = Switchboard(options.seed)
        self.gate = Gate(options.keys)
        shown = ShownTables(Views(Lens(self.world)), self.switchboard)
        self.reader = Reader(shown, options.page_rows)
        self.writer = Writer(self.journal, self.reader, self.switchboard)
        self.requests: Counter[str] = Counter()  # by method, service and entity set

    @property
    def now(self) -> datetime:
        """Return the simulated moment."""
        return self.world.now

    def days(self, since: int = 0) -> list[PlantDay]:
        """Return the plant days from a position on."""
        return self.world.chronicle.days[since:]
