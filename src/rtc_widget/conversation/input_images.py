"""Pictures for the model: whatever they are, as a data URL that fits through the data channel."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtc_widget.errors import InvalidImage

if TYPE_CHECKING:
    from PIL.Image import Image

_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"))
_ABOUT = ("exif", "xmp", "XML:com.adobe.xmp", "comment", "photoshop")
"""What Pillow keeps beside a picture: where it was taken, and by whom, is nobody's business."""
_LARGEST_SIDE = 2048
_SMALLEST_SIDE = 32
_QUALITIES = (90, 75, 60)


def image_url(image: Any, most: int) -> str:
    """Return a picture as a ``data:`` URL of at most so many bytes.

    PNG where that fits, for text and lines stay sharp in it; else JPEG, and smaller until it fits. What a file says
    about its picture (EXIF: place, camera, time) stays behind; a picture that lies on its side by that is turned.

    Parameters
    ----------
    image : PIL image, array, path or matplotlib figure
        The picture.
    most : int
        Bytes that the URL may have.

    Raises
    ------
    InvalidImage
        If it is none of these, or there is no room for any picture.
    ImportError
        If Pillow is needed and not installed.
    """
    if isinstance(image, (str, Path)):
        data = _read(Path(image))
        kind = next((kind for magic, kind in _KINDS if data.startswith(magic)), None)
        if kind is not None and not _says_more(data, kind) and len(url := _url(data, kind)) <= most:
            return url
    picture = _upright(_opened(image))
    picture.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    if len(url := _url(_written(picture, "PNG"), "png")) <= most:
        return url
    picture = _on_white(picture)
    while max(picture.size) >= _SMALLEST_SIDE:
        for quality in _QUALITIES:
            if len(url := _url(_written(picture, "JPEG", quality=quality), "jpeg")) <= most:
                return url
        picture = picture.resize((max(1, picture.width * 3 // 4), max(1, picture.height * 3 // 4)))
    raise InvalidImage(f"There is no room for a picture in {most} bytes.", hint="Send less text with it.")


def _opened(image: Any) -> Image:
    try:
        from PIL import Image as pil
        from PIL import UnidentifiedImageError
    except ImportError:
        raise ImportError("Pictures need Pillow: pip install 'rtc-widget[data]'") from None
    if isinstance(image, pil.Image):
        return image.copy()
    if isinstance(image, (str, Path)):
        try:
            return pil.open(io.BytesIO(_read(Path(image)))).copy()
        except UnidentifiedImageError:
            raise InvalidImage(f"{image} is no picture that can be read.") from None
    if hasattr(image, "savefig"):
        file = io.BytesIO()
        image.savefig(file, format="png", bbox_inches="tight")
        return pil.open(file).copy()
    if hasattr(image, "get_figure"):
        return _opened(image.get_figure())
    if hasattr(image, "__array__") or isinstance(image, (list, tuple)):
        return _of_array(image)
    raise InvalidImage(f"{type(image).__name__} is no picture.")


def _says_more(data: bytes, kind: str) -> bool:
    """Whether a file holds more than its picture."""
    if kind == "png":
        # Looked for in all of it: in the rare case that the picture's own bytes look so, it is only written anew.
        return b"eXIf" in data or b"XML:com.adobe.xmp" in data
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        # APP1 is EXIF and XMP, APP13 Photoshop's and the press's, COM a comment.
        if marker in (0xE1, 0xED, 0xFE):
            return True
        at += 2 + size
    return False


def _upright(picture: Image) -> Image:
    """Turned as its EXIF says, and without it."""
    from PIL import ImageOps

    turned = ImageOps.exif_transpose(picture)
    for name in _ABOUT:
        turned.info.pop(name, None)
    return turned


def _of_array(values: Any) -> Image:
    import numpy as np
    from PIL import Image as pil

    array = np.asarray(values)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    is_grey, is_color = array.ndim == 2, array.ndim == 3 and array.shape[2] in (3, 4)
    if not (is_grey or is_color) or array.size == 0 or array.dtype.kind not in "buif":
        raise InvalidImage(f"An array of shape {array.shape} and type {array.dtype} is no picture.")
    if array.dtype.kind == "b":
        array = array * 255
    elif array.dtype.kind == "f":
        array = np.nan_to_num(array).clip(0, 1) * 255
    return pil.fromarray(array.clip(0, 255).astype(np.uint8))


def _on_white(picture: Image) -> Image:
    """Without transparency, which JPEG does not know."""
    from PIL import Image as pil

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    white = pil.new("RGBA", clear.size, "white")
    return pil.alpha_composite(white, clear).convert("RGB")


def _written(picture: Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    is_writable = picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA")
    (picture if is_writable else picture.convert("RGB")).save(file, format, optimize=True, **options)
    return file.getvalue()


def _url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _read(path: Path) -> bytes:
    return path.expanduser().read_bytes()
