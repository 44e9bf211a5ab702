"""Measures the latency of responses in twenty simultaneous conversations, without a browser.

``python examples/compare_latencies.py``. Each conversation asks its questions one after the other, as text or as audio,
and waits for the end of each response. The result is one DataFrame with a row per turn. If ``OPENAI_API_KEY`` is set,
the calls go to OpenAI, otherwise to the embedded server. All calls to the embedded server share one machine, so twenty
calls measure how it performs under load.

``--workers 2`` divides the conversations between two processes, and ``--scheduler tcp://…:8786`` between the workers of
a Dask cluster, which may be many machines with rtc_widget (``pip install distributed``). Each worker has an embedded
server of its own. Their results are one DataFrame as well; its first column names the worker.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd

from rtc_widget import RtcWidgetError, VoiceChat

if TYPE_CHECKING:
    from distributed import Client

QUESTIONS = ("What is ICE?", "What is a jitter buffer?", "What is DTLS?")


async def converse(name: int, questions: Sequence[str]) -> pd.DataFrame:
    """Hold one conversation; a question is a text that ends in a question mark, or the path of an audio file."""
    chat = VoiceChat(page="headless")
    try:
        await chat.connect(timeout=150)
        for question in questions:
            if question.endswith("?"):
                await chat.ask(question, timeout=120)
                continue
            # Start waiting before the question ends, so that the event cannot be missed.
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(chat.wait_for("output_audio_buffer.stopped", timeout=120))
                await chat.say(question)
    except* (RtcWidgetError, OSError) as errors:
        # If one conversation fails, the measurements of the others must remain.
        print(f"conversation {name}: {'; '.join(map(str, errors.exceptions))}")
    finally:
        chat.close()
    table = chat.latency().to_pandas()
    table.insert(0, "conversation", name)
    return table


async def compare(conversations: Iterable[int], questions: Sequence[str]) -> pd.DataFrame:
    """Hold all conversations at the same time; return the latencies, in seconds since the end of each question."""
    tables = await asyncio.gather(*(converse(name, questions) for name in conversations))
    return pd.concat(tables, ignore_index=True)


def compare_here(conversations: Iterable[int], questions: Sequence[str]) -> pd.DataFrame:
    """Hold the conversations in this process."""
    return asyncio.run(compare(conversations, questions))


def compare_on(client: Client, conversations: int, questions: Sequence[str]) -> pd.DataFrame:
    """Divide the conversations between the workers of a Dask cluster; return the latencies of all."""
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    # A task of its own for each worker, which Dask must not give to another one.
    tasks = {
        worker: client.submit(
            compare_here, range(number, conversations, len(workers)), questions, workers=worker, pure=False
        )
        for number, worker in enumerate(workers[:conversations])
    }
    tables = pd.concat({worker: task.result() for worker, task in tasks.items()}, names=["worker"])
    return tables.reset_index("worker").sort_values("conversation", ignore_index=True, kind="stable")


@contextmanager
def cluster(workers: int, scheduler: str) -> Iterator[Client]:
    """Yield a client of the cluster with this scheduler, or of so many new processes on this machine."""
    from distributed import Client, LocalCluster

    if scheduler:
        with Client(scheduler) as client:
            yield client
    else:
        # One thread each: the audio of all conversations of a worker is on another one.
        options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
        with LocalCluster(**options) as local, Client(local) as client:
            yield client


def main() -> None:
    """Run the experiment and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=20)
    parser.add_argument("--workers", type=int, default=0, help="divide them between so many processes (Dask)")
    parser.add_argument("--scheduler", default="", help="divide them between the workers of this Dask scheduler")
    parser.add_argument("--csv", help="also write the table to this file")
    parser.add_argument(
        "questions", nargs="*", default=QUESTIONS, help="texts that end in a question mark, or audio files"
    )
    arguments = parser.parse_args()
    if arguments.workers or arguments.scheduler:
        with cluster(arguments.workers, arguments.scheduler) as client:
            table = compare_on(client, arguments.conversations, arguments.questions)
    else:
        table = compare_here(range(arguments.conversations), arguments.questions)
    print(table.drop(columns=["silence", "response_id"]).round(2).to_string(index=False))
    print()
    print(table[["first_transcript", "first_audio", "done"]].describe(percentiles=[0.5, 0.9]).round(2))
    if arguments.csv:
        table.to_csv(arguments.csv, index=False)


if __name__ == "__main__":
    main()
