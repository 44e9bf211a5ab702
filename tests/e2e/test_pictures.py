"""The documentation shows every state of the interface, and no other."""

from __future__ import annotations

import os
import subprocess
import sys

from PIL import Image, ImageChops, ImageDraw
from scripts.take_pictures import with_few_colors

from tests.e2e.lab import ROOT


def test_the_page_of_the_interface_has_a_picture_of_every_state():
    command = [sys.executable, "scripts/take_pictures.py", "--check"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "docs/interface.md is complete."), done.stdout + done.stderr


def test_a_picture_keeps_the_color_of_a_small_part():
    picture = Image.new("RGB", (640, 640), "white")
    draw = ImageDraw.Draw(picture)
    for level in range(256):  # the shades of its text
        draw.line((0, 2 * level, 640, 2 * level), (level, level, level + (255 - level) // 8), 2)
    draw.ellipse((10, 600, 22, 612), "#23803f")
    different = ImageChops.difference(picture, with_few_colors(picture).convert("RGB"))
    assert max(high for _, high in different.getextrema()) <= 16
