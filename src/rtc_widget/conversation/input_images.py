"""Converts images to ``data:`` URLs that fit into one message of the data channel."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtc_widget.errors import InvalidImage

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"))
_METADATA = ("exif", "xmp", "XML:com.adobe.xmp", "comment", "photoshop")
"""Where Pillow keeps the metadata of an image, which may be private, such as place and author."""
_LARGEST_SIDE = 2048
_SMALLEST_SIDE = 32
_QUALITIES = (90, 75, 60)


def image_url(image: Any, max_bytes: int) -> str:
    """Return an image as a ``data:`` URL.

    The image is encoded as PNG if it fits, because PNG keeps text and lines sharp; otherwise as JPEG, which is scaled
    down until it fits. Metadata (EXIF: place, camera, time) is removed, and the EXIF orientation is applied.

    Parameters
    ----------
    image : PIL image, array, path or matplotlib figure
        The image. An array has the shape ``(height, width)`` or ``(height, width, channels)`` with 1, 3 or 4 channels;
        floats are between 0 and 1, integers between 0 and 255.
    max_bytes : int
        The maximum size of the URL.

    Raises
    ------
    InvalidImage
        If `image` has another type or form, or does not fit.
    ImportError
        If Pillow is needed and not installed.
    """
    if isinstance(image, (str, Path)):
        data = _read(Path(image))
        kind = next((kind for magic, kind in _SIGNATURES if data.startswith(magic)), None)
        if kind is not None and not _has_metadata(data, kind) and len(url := _url(data, kind)) <= max_bytes:
            return url
    pil_image = _upright(_pil_image(image))
    pil_image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    if len(url := _url(_encoded(pil_image, "PNG"), "png")) <= max_bytes:
        return url
    pil_image = _on_white(pil_image)
    while max(pil_image.size) >= _SMALLEST_SIDE:
        for quality in _QUALITIES:
            if len(url := _url(_encoded(pil_image, "JPEG", quality=quality), "jpeg")) <= max_bytes:
                return url
        pil_image = pil_image.resize((max(1, pil_image.width * 3 // 4), max(1, pil_image.height * 3 // 4)))
    raise InvalidImage(f"The image does not fit into {max_bytes} bytes.", hint="Send less text with it.")


def _pil_image(image: Any) -> Image:
    try:
        from PIL import Image as pil
        from PIL import UnidentifiedImageError
    except ImportError:
        raise ImportError("Images need Pillow: pip install 'rtc-widget[data]'") from None
    if isinstance(image, pil.Image):
        return image.copy()
    if isinstance(image, (str, Path)):
        try:
            return pil.open(io.BytesIO(_read(Path(image)))).copy()
        except UnidentifiedImageError:
            raise InvalidImage(f"{image} cannot be read as an image.") from None
    if hasattr(image, "savefig"):
        file = io.BytesIO()
        image.savefig(file, format="png", bbox_inches="tight")
        return pil.open(file).copy()
    if hasattr(image, "get_figure"):
        return _pil_image(image.get_figure())
    if hasattr(image, "__array__") or isinstance(image, (list, tuple)):
        return _from_array(image)
    raise InvalidImage(f"An image is expected, got {type(image).__name__}.")


def _has_metadata(data: bytes, kind: str) -> bool:
    """Whether an image file has metadata."""
    if kind == "png":
        # The whole file is searched; a chance match in the image data only costs another encoding.
        return b"eXIf" in data or b"XML:com.adobe.xmp" in data
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        # APP1 has EXIF and XMP, APP13 Photoshop and IPTC, COM a comment.
        if marker in (0xE1, 0xED, 0xFE):
            return True
        at += 2 + size
    return False


def _upright(image: Image) -> Image:
    """Return the image with its EXIF orientation applied and without metadata."""
    from PIL import ImageOps

    turned = ImageOps.exif_transpose(image)
    for name in _METADATA:
        turned.info.pop(name, None)
    return turned


def _from_array(values: Any) -> Image:
    import numpy as np
    from PIL import Image as pil

    array = np.asarray(values)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    is_grey, is_color = array.ndim == 2, array.ndim == 3 and array.shape[2] in (3, 4)
    if not (is_grey or is_color) or array.size == 0 or array.dtype.kind not in "buif":
        raise InvalidImage(
            f"An array must have the shape (height, width[, channels]) and numbers, got {array.shape} of {array.dtype}."
        )
    if array.dtype.kind == "b":
        array = array * 255
    elif array.dtype.kind == "f":
        array = np.nan_to_num(array).clip(0, 1) * 255
    return pil.fromarray(array.clip(0, 255).astype(np.uint8))


def _on_white(image: Image) -> Image:
    """Return the image without transparency, which JPEG does not support."""
    from PIL import Image as pil

    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = pil.new("RGBA", clear.size, "white")
    return pil.alpha_composite(white, clear).convert("RGB")


def _encoded(image: Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    is_writable = image.mode in ("1", "L", "LA", "P", "RGB", "RGBA")
    (image if is_writable else image.convert("RGB")).save(file, format, optimize=True, **options)
    return file.getvalue()


def _url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _read(path: Path) -> bytes:
    return path.expanduser().read_bytes()
