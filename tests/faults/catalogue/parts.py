"""What a browser loads for the page."""

from tests.faults.fault import Fault, on_page

FAULTS = (
    on_page("a script that is not there", 'src="/static/page.js"', 'src="/static/pages.js"', "parts", "page"),
    on_page(
        "a style that is not there", 'href="/static/page.css"', 'href="/static/style.css"', "parts", "page"
    ),
    on_page(
        "a picture from elsewhere beside it",
        "<footer>",
        '<footer><img src="https://example.org/counter.gif" alt="">',
        "security",
        "page",
    ),
    Fault(
        "a placeholder that is not there",
        "page",
        '"/static/placeholder.svg"',
        '"/static/placeholder.png"',
        "parts",
        "outage",
    ),
    Fault(
        "style served as plain text",
        "web",
        "StaticFiles(directory=page.STATIC)",
        '__import__("mimetypes").add_type("text/plain", ".css") or StaticFiles(directory=page.STATIC)',
        "parts",
        "page",
    ),
    Fault("no picture let in", "web", "img-src 'self'; ", "", "parts", "page"),
    Fault("no style let in", "web", "style-src 'self'; ", "", "parts", "page"),
)
