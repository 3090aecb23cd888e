"""The command line: what is refused, how it is said, and how fast help comes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.todoctl.conftest import CommandLine
from todoctl import __main__ as main
from todoctl import __version__
from todoctl.__main__ import TerminatedError, explain, run
from todoctl.errors import ExitCode, TodoctlError
from todoctl.settings import Settings
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.provider import resources

ROOT = Path(__file__).parents[2]


@pytest.fixture(name="todoctl")
def _todoctl(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("up --moon", "No such option: --moon (Possible options: --json, --open). See 'todoctl up --help'."),
        ("upp", "No such command 'upp'. Did you mean 'up'? See 'todoctl --help'."),
        ("judge", "Missing argument 'FILE'. See 'todoctl judge --help'."),
        ("up --port 0", "--port 0 is not a port. Use a number from 1 to 65535."),
        ("up --port 99999", "--port 99999 is not a port. Use a number from 1 to 65535."),
        ("up --port http", "Invalid value for '--port':"),
        ("up --ttl 0", "--ttl 0 is not a time to live. Use a number of seconds above 0."),
        ("up --ttl -5", "--ttl -5 is not a time to live."),
        ("up --ttl nan", "--ttl nan is not a time to live."),
        ("up --ttl soon", "Invalid value for '--ttl':"),
        ("up --image-url picture", "--image-url 'picture' is not a picture's address."),
        ("up --image-url=", "--image-url '' is not a picture's address."),
        ("up --timeout soon", "--timeout 'soon' is not a time. Use seconds, or a time such as 5m or 1h30m."),
        ("up --target moon", "Unknown target 'moon'. Use k3d, local or kubernetes."),
        ("up --target local --agents 3", "--agents goes with --target k3d only"),
        (
            "validate --html /no/such/directory/report.html",
            "The report /no/such/directory/report.html cannot",
        ),
        ("validate --scenario moon", "--scenario 'moon' is no scenario. Use deployed, mount, fresh,"),
        ("validate --full --scenario outage", "--scenario outage needs an image service that fails"),
        ("judge /no/such/file", "/no/such/file cannot be read: "),
        ("judge /dev/null", "/dev/null cannot be read: "),
        ("doctor --port 70000", "--port 70000 is not a port."),
        ("doctor --target local --cluster it", "--cluster goes with --target k3d only."),
        ("logs -n -1", "Invalid value for '--lines' / '-n':"),
        ("down now", "Got unexpected extra argument"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments: str, line: str, todoctl: CommandLine) -> None:
    told = todoctl(*arguments.split(" "), code=2)
    assert told.stderr.startswith(f"todoctl: {line}")
    assert told.stderr.count("\n") == 1
    assert told.stdout == ""
    assert not todoctl.home.exists()


@pytest.mark.parametrize("command", ["validate", "status", "logs", "open"])
def test_with_nothing_up_there_is_nothing_to_look_at(command: str, todoctl: CommandLine) -> None:
    told = todoctl(command, code=3)
    assert told.stderr == "todoctl: Nothing is up. Run 'todoctl up' first.\n"
    assert not todoctl.home.exists()


def test_down_with_nothing_up_is_fine(todoctl: CommandLine) -> None:
    assert todoctl("down").stdout == "Nothing is up; nothing to remove.\n"


def test_the_version(todoctl: CommandLine) -> None:
    assert todoctl("--version").stdout == f"todoctl {__version__}\n"


def test_verbose_shows_where(todoctl: CommandLine) -> None:
    for arguments in (("--verbose", "status"), ("status", "--verbose")):
        with todoctl.spawn(*arguments) as process:
            _, err = process.communicate()
        assert process.returncode == 3
        assert "Traceback" in err
        assert err.endswith("todoctl: Nothing is up. Run 'todoctl up' first.\n")
    told = todoctl("up", "--k3d-arg", "--verbose", "--target", "local", code=2).stderr
    assert "--k3d-arg goes with --target k3d only" in told, "the value of another option"


def test_completion_is_there(todoctl: CommandLine) -> None:
    todoctl.env |= {"_TODOCTL_COMPLETE": "complete_bash", "COMP_WORDS": "todoctl va", "COMP_CWORD": "1"}
    assert todoctl().stdout.split() == ["validate"]


def test_completion_that_cannot_be_installed_is_told(todoctl: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    # Without it the parent processes have to name a shell, and in CI they may not.
    todoctl.env |= {"HOME": str(tmp_path / "file/home"), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    told = todoctl("--install-completion", "bash", code=3).stderr
    assert told.startswith(f"todoctl: {tmp_path}/file")
    assert told.endswith(" cannot be used: Not a directory. Mend that, and run the command again.\n")
    assert told.count("\n") == 1


def test_output_into_a_closed_pipe_is_no_traceback(todoctl: CommandLine) -> None:
    with todoctl.spawn("--help") as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        err = process.stderr.read()
    assert "Traceback" not in err


def test_output_that_has_no_room_is_told(todoctl: CommandLine) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "todoctl", "manifests"],
            env=todoctl.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr.startswith("todoctl: There is no space left to write to. Free some,")
    assert done.returncode == ExitCode.UNAVAILABLE


def test_sigterm_that_comes_twice_ends_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(TerminatedError):
            main._terminate(signal.SIGTERM, None)
        signal.raise_signal(signal.SIGTERM)  # while what was begun is put back
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("reference", ["A B", "", "-x", "ü"])
def test_what_names_no_image_is_refused(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["image", "build", "--", reference],
        ["image", "push", "--", reference],
        ["manifests", f"--app-image={reference}"],
    ):
        assert run(arguments) == ExitCode.USAGE
        assert "is not the name of an image. Use one such as" in capsys.readouterr().err


def test_every_failure_has_a_line_and_a_code() -> None:
    assert explain(KeyboardInterrupt())[1] == ExitCode.INTERRUPTED
    assert explain(TerminatedError())[1] == ExitCode.TERMINATED
    assert explain(TodoctlError("A", why="b.", fix="C.")) == ("A: b. C.", ExitCode.UNAVAILABLE)
    assert explain(ZeroDivisionError("no\nway")) == (
        "Unexpected: no way. With --verbose the command shows where.",
        ExitCode.FAILED,
    )
    assert explain(ZeroDivisionError())[0].startswith("Unexpected: ZeroDivisionError")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, todoctl.__main__ as main; code = main.run(['--help'])\n"
        "heavy = {'httpx', 'docker', 'kubernetes', 'psutil', 'starlette'} & {*sys.modules}\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_manifests_are_those_that_up_applies(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["manifests", "--cluster", "mine", "--ttl", "9"]) == 0
    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    assert printed == resources(Settings(ttl=9), ClusterOptions(cluster="mine"), "todo-app:1.12")
