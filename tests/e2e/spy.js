// Runs before the page's own code: keeps what the tests want to look at, and listens to both sides of a call.
(() => {
  const spy = { peers: [], connectionStates: [], channels: [], microphone: [], remote: [], received: [], clickedAt: 0, openedAt: 0, levels: [] };
  Object.defineProperty(globalThis, "__spy", { value: spy });

  // Forgets one notebook before another is opened in the same tab.
  spy.reset = () => {
    for (const name of ["peers", "connectionStates", "channels", "microphone", "remote", "received", "levels"]) spy[name].length = 0;
    spy.clickedAt = spy.openedAt = 0;
    for (const name of ["constraints", "recordsAudio", "recording", "clip", "speak", "speaksWhenOpen"]) delete spy[name];
  };

  document.addEventListener("click", () => (spy.clickedAt = performance.now()), true);

  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...settings) {
      super(...settings);
      spy.peers.push(this);
      this.addEventListener("connectionstatechange", () => spy.connectionStates.push(this.connectionState));
      this.addEventListener("track", ({ track }) => {
        spy.remote.push(track);
        listen(track, "assistant");
        if (spy.recordsAudio) record(track);
      });
    }
    createDataChannel(...settings) {
      const channel = super.createDataChannel(...settings);
      spy.channels.push(channel);
      channel.addEventListener("open", () => {
        spy.openedAt = performance.now();
        if (spy.speaksWhenOpen) spy.speak();
      });
      channel.addEventListener("message", ({ data }) => spy.received.push(data));
      return channel;
    }
  };

  const devices = navigator.mediaDevices;
  const open = devices?.getUserMedia.bind(devices);
  if (open) {
    devices.getUserMedia = async (constraints) => {
      const device = await open(constraints);
      const stream = spy.clip ? await speaking(device) : device;
      spy.constraints = constraints;
      spy.microphone.push(...stream.getTracks());
      listen(stream.getAudioTracks()[0], "user");
      return stream;
    };
  }

  // The device with a clip mixed in whenever `spy.speak` is called, which tells the end: a call may take its time until it stands.
  async function speaking(device) {
    const context = new AudioContext();
    const clip = await context.decodeAudioData(Uint8Array.from(atob(spy.clip), (char) => char.charCodeAt(0)).buffer);
    const mixed = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    new MediaStreamAudioSourceNode(context, { mediaStream: device }).connect(mixed);
    spy.speak = () => {
      const source = new AudioBufferSourceNode(context, { buffer: clip });
      source.connect(mixed);
      source.start();
      return new Promise((resolve) => (source.onended = resolve));
    };
    const [track] = mixed.stream.getAudioTracks();
    track.stop = () => {
      MediaStreamTrack.prototype.stop.call(track);
      for (const captured of device.getTracks()) captured.stop();
      context.close();
    };
    return mixed.stream;
  }

  // The loudness of a track every 10 ms, as [who, milliseconds, root mean square]; for tests that say `spy.recordsAudio`.
  function listen(track, who) {
    if (!spy.recordsAudio) return;
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 512 });
    new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) }).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      if (track.readyState === "ended") {
        clearInterval(timer);
        context.close();
        return;
      }
      analyser.getFloatTimeDomainData(samples);
      const level = Math.hypot(...samples) / Math.sqrt(samples.length);
      if (level > 0.01) spy.levels.push([who, performance.now(), level]);
    }, 10);
  }

  function record(track) {
    const recorder = new MediaRecorder(new MediaStream([track]), { mimeType: "audio/webm;codecs=opus" });
    const pieces = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.start(250);
    spy.recording = async () => {
      const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    };
  }
})();
