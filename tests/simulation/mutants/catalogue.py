"""Every planted bug, by name."""

from __future__ import annotations

from tests.simulation.mutants.acting import ACTING
from tests.simulation.mutants.bug import Bug
from tests.simulation.mutants.guarding import GUARDING
from tests.simulation.mutants.planning import PLANNING
from tests.simulation.mutants.readings import READINGS
from tests.simulation.mutants.telling import TELLING

BUGS: dict[str, Bug] = {
    bug.name: bug for bug in (*READINGS, *GUARDING, *PLANNING, *ACTING, *TELLING)
}
