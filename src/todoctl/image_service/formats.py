"""Pictures of the other types that an app has to know (docs/contract.md)."""

import io
import secrets
from functools import cache

from todoctl.image_service.service import Picture, picture

FORMATS = ("JPEG", "GIF", "WEBP", "AVIF")
FIRST, EVERY = 3, 2
"""From the third on each second picture is of one of them, the others are PNGs."""

NUMBER = 8
"""How many there are, each type twice; a quick run takes some 30 pictures."""


@cache
def others() -> dict[int, Picture]:
    """By the number of the request that they are for; as with `service.picture`, no bytes come twice."""
    from PIL import Image, features

    formats = [name for name in FORMATS if name in {"JPEG", "GIF"} or features.check(name.lower())]
    made = {}
    for count in range(NUMBER):
        number, name = FIRST + EVERY * count, formats[count % len(formats)]
        with Image.open(io.BytesIO(picture(number))) as image, io.BytesIO() as file:
            secret = secrets.token_hex(16).encode()
            # A comment, where the type has one; WebP and AVIF have metadata instead.
            image.convert("RGB").save(file, name, comment=secret, xmp=secret, quality=60, speed=10, method=0)
            made[number] = Picture(Image.MIME[name], file.getvalue())
    return made
