"""An app with a fault, for clusters: an image made from the app's, in which the fault is planted."""

import shutil
from pathlib import Path

from tests.e2e.conftest import run
from tests.faults.fault import PLANTED, Fault

DOCKERFILE = """
FROM {image}
COPY sitecustomize.py /planted/
ENV PYTHONPATH=/planted:/app
"""


def planted(fault: Fault, image: str, directory: Path) -> str:
    """The name of the image, which is on this machine only; `directory` is what it is built from."""
    shutil.copy(PLANTED / "sitecustomize.py", directory)
    variable = fault.variable().replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    dockerfile = DOCKERFILE.format(image=image) + f'ENV TODOAPP_FAULT="{variable}"\n'
    (directory / "Dockerfile").write_text(dockerfile)
    tag = f"todo-app:fault-{abs(hash(fault.name))}"
    run("docker", "build", "-q", "-t", tag, str(directory))
    return tag
