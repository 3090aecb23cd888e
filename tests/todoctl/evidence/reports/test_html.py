"""The report as a page: what it says, and what a real browser makes of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from tests.browser import CONTRASTS, launched
from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.history import Act, Op
from todoctl.evidence.reports import html
from todoctl.evidence.verdict import Verdict

HOSTILE = (
    "</td></script></style></iframe><script>document.title='out'</script>"
    "\"'><img src=x onerror=alert(1)>\0\u202e"
)


def parse(made: Verdict) -> BeautifulSoup:
    return BeautifulSoup(html.render([made]), "html.parser")


def broken() -> Verdict:
    """One that passed, failed, was not judged, and has everything that a report shows."""
    made = verdicts.verdict()
    verdicts.fail(made, "crowd", seen="another picture", times=3)
    verdicts.leave(made, "kill")
    made.scenarios[0].checks[0] = verdicts.wrong(event=99_999)
    return made


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def outside(url: str) -> list[str]:
    """`url`, unless it is the report itself or something inside it."""
    return [] if url.startswith(("file:", "data:", "about:")) else [url]


@contextmanager
def opened(
    browser: Browser,
    made: Verdict,
    tmp_path: Path,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[tuple[Page, list[str]]]:
    """The report in a tab, and all there is to complain of: messages, errors, requests to anywhere."""
    (tmp_path / "report.html").write_bytes(html.render([made]))
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    try:
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: complaints.extend(outside(request.url)))
        page.goto((tmp_path / "report.html").as_uri(), wait_until="load")
        yield page, complaints
    finally:
        context.close()


def test_it_says_first_how_it_went() -> None:
    soup = parse(verdicts.verdict())
    assert soup.h1
    assert soup.h1.get_text(" ", strip=True) == "✓ Passed 11 of 11 scenarios passed"
    assert soup.title
    assert soup.title.string == "Passed: todoctl validate local"
    assert [row["id"] for row in soup.select("section.scenario")] == [f"scenario-{n}" for n in range(11)]
    assert "shorter in this run" in soup.get_text()
    assert not soup.select(".banner")
    assert "as deployed, kept in this run" in parse(verdicts.Run(full=True).verdict).get_text()


def test_what_failed_comes_first_and_is_open() -> None:
    soup = parse(broken())
    sections = soup.select("section.scenario")
    assert [section["id"] for section in sections[:4]] == [
        "scenario-0",
        "scenario-7",
        "scenario-6",
        "scenario-1",
    ]
    failures = sections[1].select("table.checks")[0]
    assert failures.find_parent("details") is None
    assert len(failures.select("td.wrong")) == 3
    assert failures.select("q")
    assert all(table.find_parent("details") for table in sections[3].select("table.checks"))
    assert "99999" in sections[0].get_text()
    for link in soup.select("td a"):
        assert soup.select(str(link["href"])), link


def test_an_interrupted_run_is_marked() -> None:
    made = verdicts.verdict(names=3)
    made.history.interrupted = True
    soup = parse(made)
    assert soup.h1
    assert soup.h1.get_text(" ", strip=True) == "– Interrupted 3 of 3 scenarios passed"
    assert "these scenarios were played until then" in soup.select(".banner")[0].get_text()


def test_a_run_of_nothing_is_a_report_too() -> None:
    made = verdicts.verdict(names=0)
    made.history.events.clear()
    soup = parse(made)
    assert soup.h1
    assert "0 of 0 scenarios passed" in soup.h1.get_text()


def test_it_is_small_enough_to_be_mailed() -> None:
    made = verdicts.verdict()
    assert sum(len(result.visits) for result in made.scenarios) >= 25
    assert len(html.render([made])) < 1_000_000


def test_a_long_history_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_EVENTS", 10)
    made = broken()
    soup = parse(made)
    assert len(soup.select("tr[id^=event-]")) == 10
    assert f"… and {len(made.history.events) - 10} events more" in soup.get_text()
    assert not [link for link in soup.select("td a") if not soup.select(str(link["href"]))]


def test_it_is_built_for_those_who_do_not_see_it() -> None:
    soup = parse(broken())
    assert soup.html
    assert soup.html["lang"] == "en"
    assert len(soup("main")) == 1
    assert all(cell.get("scope") for cell in soup("th"))
    assert all(table.caption for table in soup("table"))
    assert all(frame.get("title") and not any(frame["sandbox"]) for frame in soup("iframe"))
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    assert {str(tag["aria-labelledby"]) for tag in soup.select("[aria-labelledby]")} <= {
        str(name) for name in ids
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_has_nothing_to_complain_of(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    with opened(browser, broken(), tmp_path, scheme=scheme) as (page, complaints):
        for details in page.locator("details").all():
            details.evaluate("node => { node.open = true; }")
        frame = page.locator("iframe").first
        frame.scroll_into_view_if_needed()
        inside = page.frame_locator("iframe").first
        assert inside.locator("h1").inner_text() == "The Project App"
        assert (
            inside.locator("#picture").evaluate("image => image.decode().then(() => image.naturalWidth)")
            > 100
        )
        selector = "h1, h1 span, h2, small span, p, dt, dd, th, td, td span, td a, summary, figcaption, li"
        contrasts = CONTRASTS.replace("h1, dt, dd, p, footer", selector)
        assert contrasts != CONTRASTS
        assert min(page.evaluate(contrasts), key=lambda found: found[1])[1] >= 4.5
        assert complaints == []


def test_all_that_is_drawn_has_a_colour(browser: Browser, tmp_path: Path) -> None:
    made = verdicts.verdict()
    at = made.history.facts.began_at
    made.history.events.append(Act(begin=at, end=at + 1, scenario="", what=Op("detach")))
    with opened(browser, made, tmp_path) as (page, _):
        fills = page.locator("svg rect").evaluate_all("all => all.map(one => getComputedStyle(one).fill)")
        legend = page.locator(".legend i").evaluate_all(
            "all => all.map(one => getComputedStyle(one).backgroundColor)"
        )
        assert page.get_by_text("app: detach").is_visible()
    assert len({*fills}) > 5
    assert not {"rgb(0, 0, 0)", "none"} & {*fills}
    assert "rgba(0, 0, 0, 0)" not in legend


def test_it_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, broken(), tmp_path, width=360) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_on_paper_what_is_folded_is_open(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, broken(), tmp_path) as (page, _):
        row = page.locator("#event-3")
        assert row.evaluate("row => row.getBoundingClientRect().height") == 0
        page.emulate_media(media="print")
        assert row.evaluate("row => row.getBoundingClientRect().height") > 0
        wide = page.evaluate("document.querySelector('.shot').getBoundingClientRect().width")
        assert wide < 400
        assert len(re.findall(rb"/Type ?/Page\b", page.pdf())) > 3


def test_what_an_app_sends_cannot_break_out(browser: Browser, tmp_path: Path) -> None:
    made = broken()
    crowd, kill = verdicts.find(made, "crowd"), verdicts.find(made, "kill")
    verdicts.fail(made, "crowd", seen=HOSTILE + "x" * 1_000_000)
    crowd.title = crowd.saw = HOSTILE
    kill.notes = [HOSTILE]
    verdicts.find(made, "fresh").error = HOSTILE
    verdicts.serve(made, "renew", f"<h1>{HOSTILE}</h1><p onclick=alert(1)>{HOSTILE}".encode())
    visit = crowd.visits[0]
    crowd.visits[0] = type(visit)(
        event=visit.event,
        at=visit.at,
        status=HOSTILE,
        access_count=None,
        image_access_count=1,
        picture=HOSTILE,
    )
    with opened(browser, made, tmp_path) as (page, complaints):
        for frame in page.locator("iframe").all():
            frame.scroll_into_view_if_needed()
        assert page.title() == "Failed: todoctl validate local"
        assert page.locator("script, img").count() == 0
        assert page.locator("section.scenario").count() == 11
        # A handler in the frozen page is the app's own: the browser tells that it has not run it.
        assert not [
            told for told in complaints if "Content Security Policy" not in told and "sandboxed" not in told
        ]
    assert (tmp_path / "report.html").stat().st_size < 1_000_000
