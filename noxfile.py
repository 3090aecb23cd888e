"""Every check: `nox` runs lint, types, workflows and tests, in five minutes; `nox -l` lists the rest."""

import re
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "workflows", "tests"]
nox.options.error_on_missing_interpreters = True

SCHEMAS = {
    "vendor.github-workflows": "workflows/*.yml",
    "custom.github-workflows-require-timeout": "workflows/*.yml",
    "vendor.dependabot": "dependabot.yml",
    "vendor.github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": "ISSUE_TEMPLATE/config.yml",
}
"""What holds what in .github; check-jsonschema brings them."""


def sync(session: nox.Session, *groups: str, alone: bool = False) -> None:
    """Installs the package and `groups`, or these `alone`, exactly as uv.lock says.

    With byte code, as pip installs it: many processes are started, and not every machine lets them write it.
    """
    option = "--only-group" if alone else "--group"
    session.run_install(
        "uv",
        "sync",
        "--frozen",
        "--no-default-groups",
        *(f"{option}={group}" for group in groups),
        env={"UV_PROJECT_ENVIRONMENT": session.virtualenv.location, "UV_COMPILE_BYTECODE": "1"},
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Format and rules."""
    sync(session, "lint")
    session.run("ruff", "format", "--check", "--diff")
    session.run("ruff", "check")


@nox.session
def types(session: nox.Session) -> None:
    """Strict mypy over sources and tests."""
    sync(session, "types")
    session.run("mypy")


@nox.session
def workflows(session: nox.Session) -> None:
    """What GitHub reads, without GitHub: its schemas, and zizmor's rules for what attacks workflows."""
    sync(session, "workflows", alone=True)
    session.run("zizmor", "--offline", "--quiet", ".github")
    for schema, pattern in SCHEMAS.items():
        files = sorted(map(str, Path(".github").glob(pattern)))
        session.run("check-jsonschema", f"--builtin-schema={schema}", *files)


@nox.session
def tests(session: nox.Session) -> None:
    """What is pure and quick, and a smoke test of each live thing; with branch coverage."""
    sync(session, "test")
    select = "smoke or not (live or browser or slow)"
    session.run("pytest", "-n", "auto", "-m", select, "--cov", "--cov-report=term", *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Processes, the command line, imitated machines, Chromium: what starts something."""
    sync(session, "test")
    session.run("pytest", "-n", "auto", "-m", "(live or browser) and not slow", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """All that takes long: slow tests, thorough properties, every fault, healthy runs, real clusters."""
    sync(session, "test")
    env = {"HYPOTHESIS_PROFILE": "thorough"}
    session.run("pytest", "-n", "auto", "-m", "slow or not (live or browser)", *session.posargs, env=env)
    for name in ("faults", "healthy", "e2e"):
        session.notify(name)


@nox.session
def pins(session: nox.Session) -> None:
    """Writes what the app's image is made of from uv.lock, with the hashes of all files."""
    what = ["--frozen", "--only-group=app", "--no-emit-project", "--no-annotate", "--no-header"]
    session.run("uv", "export", "--quiet", *what, "--output-file=src/todoctl/images/requirements.txt")


@nox.session
def dist(session: nox.Session) -> None:
    """Builds wheel and sdist, and plays a scenario with the wheel; `-- v1.2.3` holds them to that tag."""
    shutil.rmtree("dist", ignore_errors=True)
    session.run("uv", "build", "--quiet")
    (wheel,) = Path("dist").glob("*.whl")
    for tag in session.posargs:
        version = re.escape(tag.removeprefix("v"))
        if not re.match(rf"todoctl-{version}-", wheel.name):
            session.error(f"{tag} is not the version of {wheel}: change src/todoctl/__init__.py, or the tag")
        if not re.search(rf"^## {version}\b", Path("CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
            session.error(f"CHANGELOG.md has no section '## {tag.removeprefix('v')}'")
    session.install(str(wheel))
    session.run("python", "-c", "from todoctl.images.build import build_context; build_context()")
    env = {"TODOCTL_HOME": f"{session.create_tmp()}/home"}
    session.run("todoctl", "up", "--target=local", "--image-url=sample:", "--port=8131", env=env)
    try:
        session.run("todoctl", "validate", "--target=local", "--scenario=valid", env=env)
    finally:
        session.run("todoctl", "down", "--target=local", env=env)


@nox.session
def faults(session: nox.Session) -> None:
    """Is every fault of the catalogue convicted? Takes 6 minutes; arguments choose by name."""
    sync(session, "faults")
    session.run("python", "-m", "tests.faults.run", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Of random mutants that the app's tests kill, how many does `validate` convict? Takes half an hour."""
    sync(session, "faults")
    session.run("python", "-m", "tests.faults.mutants", *session.posargs)


@nox.session
def healthy(session: nox.Session) -> None:
    """A hundred whole runs on an app without a fault, idle and disturbed; takes half an hour."""
    sync(session, "faults")
    session.run("python", "-m", "tests.faults.healthy", *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """The whole story and its faults on real clusters; needs Docker, k3d and kubectl, takes about 30 minutes.

    Without a registry, TODOCTL_E2E_BASE_IMAGE and TODOCTL_E2E_K3S_IMAGE name local images.
    TODOCTL_E2E_KUBECONFIG, an administrator's, leads the tests of namespaces (test_namespace*.py) to another
    cluster, whose nodes are Docker containers of this machine with containerd in them, as kind's are.
    """
    sync(session, "test")
    session.run("pytest", "--maxfail=3", "--durations=0", *(session.posargs or ["tests/e2e"]))


@nox.session
def bench_up(session: nox.Session) -> None:
    """A cold `todoctl up` beside `k3d cluster create` alone; images as for e2e."""
    sync(session)
    session.run("python", "benchmarks/bench_up.py", *session.posargs, env={"PYTHONDONTWRITEBYTECODE": ""})


@nox.session
def bench(session: nox.Session) -> None:
    """The app beside bare Starlette, nginx and a FastAPI app, as ratios; wrk and nginx where installed.

    With no more installed than in the app's image, and what it is compared with.
    """
    sync(session, "app", "bench", alone=True)
    env = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": "src"}
    session.run("python", "benchmarks/bench.py", *session.posargs, env=env)


@nox.session
def reference(session: nox.Session) -> None:
    """Writes the options into docs/reference.md, and the verdict's schema; a test tells when that is due."""
    sync(session)
    session.run("python", "-m", "tools.reference")


@nox.session
def pictures(session: nox.Session) -> None:
    """The README's pictures, of a real run: on k3d where that is installed, else as a process."""
    sync(session, "test")
    session.run("python", "-m", "tools.pictures")


@nox.session
def checkov(session: nox.Session) -> None:
    """The manifests against the field's rules; what is left out says why, beside it."""
    session.install("checkov==3.3.30")
    session.run("checkov", "--directory=manifests", "--framework=kubernetes", "--compact", "--skip-download")
