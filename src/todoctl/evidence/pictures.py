"""Which bytes are a picture, of which type and size, and why not. The bytes are a stranger's."""

import base64
import binascii
import io
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
"""The only decoders that see these bytes: others start programs (EPS) or are no picture to a browser."""

TYPES = {"MPO": "image/jpeg"} | {name: f"image/{name.lower()}" for name in FORMATS}
"""Media types. MPO is what Pillow calls a JPEG that brings along further pictures, as phones make them."""

MAX_PIXELS = 64_000_000
"""A small file can hold many more, which need gigabytes when they are decoded."""

MIN_SIDE = 50
"""Pixels of either side: what is smaller is an icon."""

THUMBNAIL = (64, 64)

SAME_MEAN, SAME_MAX = 1.0, 16
"""Of 255: how far the colours of a thumbnail may be apart, on average and at most, by encoding alone."""

ALIKE_MEAN = 6.0
"""The same on average, where size and type may differ too."""

MAX_CACHED = 512

Result = TypeVar("Result")
More = ParamSpec("More")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What some bytes are: `fault` says why they are no picture; without one the rest is known.

    `media` is the type by the bytes themselves, `width` and `height` are in pixels. `pixels` is a SHA-256 of
    what is shown: that of another file with the same pixels is the same.
    """

    media: str = ""
    width: int = 0
    height: int = 0
    pixels: str = ""
    fault: str = ""

    @property
    def is_icon(self) -> bool:
        return not self.fault and min(self.width, self.height) < MIN_SIDE


def cached(
    function: Callable[Concatenate[bytes, More], Result],
) -> Callable[Concatenate[bytes, More], Result]:
    """Keeps the newest results by the content's digest; the contents themselves are not kept."""
    results: OrderedDict[object, Result] = OrderedDict()

    def look_up(content: bytes, /, *more: More.args, **by_name: More.kwargs) -> Result:
        key = sha256(content).digest(), more, *by_name.items()
        found = results.get(key)
        if found is None:
            found = results[key] = function(content, *more, **by_name)
            while len(results) > MAX_CACHED:
                results.popitem(last=False)
        return found

    return look_up


@cached
def read(content: bytes) -> Picture:
    """Returns what `content` is; never raises."""
    found = "picture"
    try:
        with _open(content) as image:
            found = (image.format or found).replace("MPO", "JPEG")
            width, height = image.size
            if width * height > MAX_PIXELS:
                return Picture(fault=f"a {found} of {width} x {height} pixels, which is too large to decode")
            shown = image.convert("RGBA" if image.has_transparency_data else "RGB")
            digest = sha256(f"{width} {height} ".encode() + shown.tobytes()).hexdigest()
            return Picture(media=TYPES[image.format or ""], width=width, height=height, pixels=digest)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they come across
        return Picture(fault=_reason(content, found, error))


def _open(content: bytes) -> "Image":
    from PIL import Image

    # Large pictures are refused by `MAX_PIXELS`; a warning would go to the terminal.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    return Image.open(io.BytesIO(content), formats=FORMATS)


def _reason(content: bytes, found: str, error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    match error:
        case Image.DecompressionBombError():
            return f"{len(content)} bytes with more pixels than can be decoded"
        case UnidentifiedImageError():
            return f"{len(content)} bytes that are no JPEG, PNG, GIF, WebP or AVIF"
    return f"{len(content)} bytes of a {found} that is damaged or cut off"


def media_type(content: bytes) -> str | None:
    """Returns the type of a whole picture; None for anything else."""
    return read(content).media or None


def fault(content: bytes) -> str:
    """Returns why `content` cannot be the picture that a page shows, empty where it can: icons are none."""
    picture = read(content)
    return f"an icon of {picture.width} x {picture.height} pixels" if picture.is_icon else picture.fault


def same_pixels(one: bytes, other: bytes) -> bool:
    """Returns whether both are one picture of one size that was encoded twice."""
    first, second = read(one), read(other)
    if first.fault or second.fault or (first.width, first.height) != (second.width, second.height):
        return False
    differences = _differences(one, other)
    return _mean(differences) <= SAME_MEAN and max(differences) <= SAME_MAX


def alike(one: bytes, other: bytes) -> bool:
    """Returns whether both are the same picture to the eye, whatever their sizes and types."""
    return not fault(one) and not fault(other) and _mean(_differences(one, other)) < ALIKE_MEAN


def _differences(one: bytes, other: bytes) -> list[int]:
    return [abs(a - b) for a, b in zip(_thumbnail(one), _thumbnail(other), strict=True)]


def _mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers)


@cached
def _thumbnail(content: bytes) -> bytes:
    """The colours of a picture that has no fault, made small."""
    from PIL.Image import Resampling

    with _open(content) as image:
        return image.convert("RGB").resize(THUMBNAIL, Resampling.BOX).tobytes()


def from_data_url(address: str) -> tuple[str, bytes] | None:
    """Returns type and bytes that a `data:` URL holds; None for any other, and for one that is damaged."""
    head, comma, rest = address.partition(",")
    if head[:5].lower() != "data:" or not comma:
        return None
    content = unquote_to_bytes(rest)
    media, *parameters = head[5:].split(";")
    if "base64" in [parameter.strip().lower() for parameter in parameters]:
        try:
            content = base64.b64decode(b"".join(content.split()))
        except binascii.Error:
            return None
    return media.strip().lower() or "text/plain", content
