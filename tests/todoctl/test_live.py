"""What a terminal shows while something is under way."""

from rich.console import Console

from todoctl.live import Doing


def test_commands_stand_below_what_is_being_done() -> None:
    told: list[str] = []
    doing = Doing("Create [dim]it[/]", told)
    console = Console(width=80)

    def lines() -> list[str]:
        with console.capture() as shown:
            console.print(doing)
        return shown.get().splitlines()

    assert lines() == ["Create it"]
    told += ["k3d cluster create [it]", "k3d version", "k3d version"]
    doing.do("Create it: waiting")
    assert lines() == ["Create it: waiting", "$ k3d cluster create [it]", "$ k3d version  # 2 times"]
