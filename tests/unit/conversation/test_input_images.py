"""Images of every kind, encoded to fit into one message of the data channel."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from rtc_widget.conversation.input_images import image_url
from rtc_widget.errors import InvalidImage, NotConnected
from tests.unit.waiting import settled

NOISE = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)


def opened(url):
    head, data = url.split(",")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == f"data:image/{image.format.lower()};base64"
    return image


def figure():
    drawn = Figure(figsize=(3, 2))
    drawn.subplots().plot([1, 2, 3])
    return drawn


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (Image.new("RGB", (40, 30), "red"), (40, 30)),
        (Image.new("RGBA", (40, 30)), (40, 30)),
        (Image.new("CMYK", (40, 30)), (40, 30)),
        (np.zeros((30, 40)), (40, 30)),
        (np.zeros((30, 40, 1), dtype=bool), (40, 30)),
        (np.ones((30, 40, 4), dtype=np.float32), (40, 30)),
        ([[0.0, 1.0], [float("nan"), 0.5]], (2, 2)),
    ],
)
def test_images_of_every_kind(image, size):
    assert opened(image_url(image, 50_000)).size == size


def test_a_figure_and_its_axes_are_images():
    drawn = figure()
    assert opened(image_url(drawn, 200_000)).width > 100
    assert opened(image_url(drawn.axes[0], 200_000)).width > 100


def test_numbers_from_0_to_1_are_brightness():
    image = opened(image_url(np.array([[0.0, 0.5, 1.0, 7.0]]), 50_000))
    assert list(np.asarray(image).ravel()) == [0, 127, 255, 255]


def test_a_file_that_fits_goes_as_it_is(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (50, 40), "blue").save(path)
    _, data = image_url(path, 50_000).split(",")
    assert base64.b64decode(data) == path.read_bytes()
    assert opened(image_url(str(path), 50_000)).size == (50, 40)


@pytest.mark.parametrize("most", [260_000, 60_000, 8_000])
def test_a_large_image_is_made_smaller_until_it_fits(most):
    url = image_url(NOISE, most)
    assert len(url) <= most
    image = opened(url)
    assert image.format == "JPEG"
    assert image.width / image.height == pytest.approx(4 / 3, rel=0.05)


def test_transparency_becomes_white_where_jpeg_is_needed():
    clear = np.dstack([NOISE, np.zeros(NOISE.shape[:2], dtype=np.uint8)])
    image = opened(image_url(Image.fromarray(clear), 4_000))
    assert np.asarray(image).min() > 240


@pytest.mark.parametrize(
    "image", [object(), np.zeros(5), np.zeros((2, 2, 7)), np.array([["a", "b"]]), np.zeros((0, 3))]
)
def test_other_values_than_images_are_refused(image):
    with pytest.raises(InvalidImage, match=r"image is expected|array must have"):
        image_url(image, 50_000)


def test_a_file_that_is_not_an_image_is_refused(tmp_path):
    path = tmp_path / "words.png"
    path.write_text("words")
    with pytest.raises(InvalidImage, match=r"words\.png cannot be read as an image"):
        image_url(path, 50_000)


def test_an_image_that_does_not_fit_is_refused():
    with pytest.raises(InvalidImage, match="does not fit into 100 bytes"):
        image_url(NOISE, 100)


async def test_an_image_goes_with_words_and_asks_for_an_answer(chat, server):
    await server.connect()
    chat.send_image(Image.new("RGB", (4, 3)), "What is this?", detail="low")
    item, _ = await server.takes("conversation.item.create", "response.create")
    image, words = item["item"]["content"]
    assert (image["type"], image["detail"]) == ("input_image", "low")
    assert opened(image["image_url"]).size == (4, 3)
    assert words == {"type": "input_text", "text": "What is this?"}


async def test_an_image_can_be_shown_without_a_question(chat, server):
    await server.connect()
    chat.send_image(Image.new("RGB", (4, 3)), respond=False)
    await server.takes("conversation.item.create")


@pytest.mark.parametrize("limit", [65_536, 262_144, None])
async def test_an_image_fits_the_channel_of_the_call(chat, page, server, limit):
    await server.connect()
    page.state("a1", status="connected", data_channel_state="open", max_message_size=limit)
    await settled()
    chat.send_image(NOISE, "Was ist das? äöü" * 100)
    item, _ = await server.takes("conversation.item.create", "response.create")
    size = len(json.dumps(item, ensure_ascii=False).encode())
    assert (limit or 65_536) * 0.5 < size <= (limit or 65_536)


async def test_no_image_goes_without_a_call(chat):
    with pytest.raises(NotConnected):
        chat.send_image(Image.new("RGB", (4, 3)))


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
def test_a_photo_is_turned_upright_and_does_not_tell_where_it_was_taken(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825)[1] = "N"
    path = tmp_path / name
    Image.fromarray(NOISE[:200, :300]).save(path, exif=exif)
    with Image.open(path) as photo:
        assert photo.getexif().get_ifd(0x8825)
        urls = [image_url(path, 300_000), image_url(path, 40_000), image_url(photo, 300_000)]
    for image in map(opened, urls):
        assert image.size[0] < image.size[1]
        assert not image.getexif()
        assert not image.getexif().get_ifd(0x8825)
    assert [opened(url).format for url in urls] == ["PNG", "JPEG", "PNG"]
