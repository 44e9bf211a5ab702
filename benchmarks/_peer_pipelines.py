"""FastRTC's and Pipecat's own pipelines around our recognizer and our voice, for the benchmark `voice`.

``python -m benchmarks._peer_pipelines fastrtc|pipecat PORT REPLY`` runs one with a Python that has these packages. It
says `REPLY` after each turn. Turn detection is the package's own with its defaults. Only the files of the models have
other places: what a package would download when it runs comes from a package that has it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, samples_of
from rtc_widget.server.responders.sentences import first_part
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines, load
from rtc_widget.server.speech.subprocess_engines import EngineProcesses

SILERO = Path("silero/faster_whisper/assets/silero_vad.onnx")
"""In the environment of the packages: Silero 4, as FastRTC downloads it."""


def parts(text: str) -> Iterator[str]:
    """Yield what the embedded server synthesizes at a time."""
    while text:
        part = first_part(text)
        yield part
        text = text[len(part) :]


def pcm(audio: MonoAudio) -> Any:
    """Return the samples as 16 bit."""
    return (np.clip(audio.samples, -1, 1) * 32767).astype(np.int16)


def fastrtc_app(engines: Engines, reply: str) -> Any:
    """`ReplyOnPause` with its defaults."""
    from fastapi import FastAPI
    from fastrtc import ReplyOnPause, Stream
    from fastrtc.pause_detection import SileroVADModel

    class PackagedSilero(SileroVADModel):  # type: ignore[misc]
        @staticmethod
        def download_model() -> str:
            return str(Path(sys.prefix) / SILERO)

    # FastRTC calls it in a thread.
    def answer(turn: tuple[int, Any]) -> Iterator[tuple[int, Any]]:
        rate, samples = turn
        heard = MonoAudio(samples_of(samples.astype(np.float32) / 32768), rate).at(INPUT_RATE)
        if not engines.recognizer.recognize(heard.samples):
            return
        for part in parts(reply):
            audio = engines.speaker.speak(part)
            yield audio.rate, pcm(audio).reshape(1, -1)

    if not (Path(sys.prefix) / SILERO).is_file():
        sys.exit("Silero's model, which FastRTC downloads when it runs, is not installed with it")
    silero = PackagedSilero()
    silero.warmup()
    app = FastAPI()
    # The end of the call before may be noticed late, and no call needs the network.
    Stream(
        ReplyOnPause(answer, model=silero),
        modality="audio",
        mode="send-receive",
        concurrency_limit=8,
        server_rtc_configuration={"iceServers": []},
    ).mount(app)
    return app


def pipecat_app(engines: Engines, reply: str) -> Any:
    """Pipecat's WebRTC transport, Silero and Smart Turn with their defaults, and a service for each engine."""
    from fastapi import FastAPI
    from loguru import logger
    from pipecat.audio.vad.silero import SileroVADAnalyzer
    from pipecat.frames.frames import (
        LLMContextFrame,
        LLMFullResponseEndFrame,
        LLMFullResponseStartFrame,
        LLMTextFrame,
        TranscriptionFrame,
        TTSAudioRawFrame,
    )
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.worker import PipelineWorker
    from pipecat.processors.aggregators.llm_context import LLMContext
    from pipecat.processors.aggregators.llm_response_universal import (
        LLMContextAggregatorPair,
        LLMUserAggregatorParams,
    )
    from pipecat.processors.frame_processor import FrameProcessor
    from pipecat.services.settings import STTSettings, TTSSettings
    from pipecat.services.stt_service import SegmentedSTTService
    from pipecat.services.tts_service import TTSService
    from pipecat.transports.base_transport import TransportParams
    from pipecat.transports.smallwebrtc.request_handler import SmallWebRTCRequest, SmallWebRTCRequestHandler
    from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
    from pipecat.utils.time import time_now_iso8601
    from pipecat.workers.runner import WorkerRunner

    logger.remove()
    logger.add(sys.stderr, level="WARNING")

    class Recognition(SegmentedSTTService):  # type: ignore[misc]
        wants_wav_segments = False

        async def run_stt(self, audio: bytes) -> AsyncIterator[Any]:
            samples = samples_of(np.frombuffer(audio, np.int16).astype(np.float32) / 32768)
            if text := await engines.recognize(samples):
                yield TranscriptionFrame(text, self._user_id, time_now_iso8601())

    class FixedReply(FrameProcessor):  # type: ignore[misc]
        async def process_frame(self, frame: Any, direction: Any) -> None:
            await super().process_frame(frame, direction)
            if not isinstance(frame, LLMContextFrame):
                await self.push_frame(frame, direction)
                return
            for said in (LLMFullResponseStartFrame(), LLMTextFrame(reply), LLMFullResponseEndFrame()):
                await self.push_frame(said)

    class Voice(TTSService):  # type: ignore[misc]
        async def run_tts(self, text: str, context_id: str) -> AsyncIterator[Any]:
            for part in parts(text):
                audio = (await engines.speak(part)).at(self.sample_rate)
                yield TTSAudioRawFrame(pcm(audio).tobytes(), audio.rate, 1, context_id=context_id)

    async def converse(connection: Any) -> None:
        transport = SmallWebRTCTransport(connection, TransportParams(audio_in_enabled=True, audio_out_enabled=True))
        aggregators = LLMContextAggregatorPair(
            LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
        )
        pipeline = Pipeline(
            [
                transport.input(),
                Recognition(sample_rate=INPUT_RATE, settings=STTSettings(model=None, language=None)),
                aggregators.user(),
                FixedReply(),
                Voice(
                    push_start_frame=True,
                    push_stop_frames=True,
                    settings=TTSSettings(model=None, voice=None, language=None),
                ),
                transport.output(),
                aggregators.assistant(),
            ]
        )
        worker = PipelineWorker(pipeline)

        @transport.event_handler("on_client_disconnected")
        async def end(*_: Any) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()

    app, handler, conversations = FastAPI(), SmallWebRTCRequestHandler(), set()

    async def offer(request: Any) -> Any:
        async def connected(connection: Any) -> None:
            conversation = asyncio.create_task(converse(connection))
            conversations.add(conversation)
            conversation.add_done_callback(conversations.discard)

        return await handler.handle_web_request(request, connected)

    # FastAPI cannot resolve an annotation that is a text with a local name.
    offer.__annotations__ = {"request": SmallWebRTCRequest}
    app.post("/api/offer")(offer)
    return app


APPS = {"fastrtc": fastrtc_app, "pipecat": pipecat_app}


def main(name: str, port: int, reply: str) -> None:
    """Load the engines, and serve until the process is terminated."""
    import uvicorn

    engines = load(lambda step: None, EngineProcesses())
    try:
        uvicorn.run(APPS[name](engines, reply), port=port, log_level="warning")
    finally:
        engines.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
