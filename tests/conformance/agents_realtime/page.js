// OpenAI's own browser client in a page, and a microphone that says what the test wants when it wants it.
const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC, tool } = OpenAIAgentsRealtime;

const events = [];
const toolCalls = [];
let session;
let audio;
let microphone;

async function connect(baseUrl, apiKey, model) {
  audio = new AudioContext();
  await audio.resume();
  microphone = audio.createMediaStreamDestination();
  const weather = tool({
    name: "get_weather",
    description: "The weather of a city",
    strict: false,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: true },
    execute: async (given) => {
      toolCalls.push(given);
      return JSON.stringify({ sky: "sunny" });
    },
  });
  const agent = new RealtimeAgent({ name: "tester", instructions: "You are a tutor.", tools: [weather] });
  const transport = new OpenAIRealtimeWebRTC({ baseUrl, mediaStream: microphone.stream, audioElement: new Audio() });
  session = new RealtimeSession(agent, { transport, model });
  session.on("transport_event", (event) => events.push(event));
  session.on("error", ({ error }) => events.push({ type: "client.error", error: String(error?.message ?? JSON.stringify(error)) }));
  await session.connect({ apiKey });
}

async function say(wav) {
  const source = audio.createBufferSource();
  source.buffer = await audio.decodeAudioData(await (await fetch(wav)).arrayBuffer());
  source.connect(microphone);
  source.start();
}

const sendText = (text) => session.sendMessage(text);
const interrupt = () => session.interrupt();
const disconnect = () => session.close();
const history = () => session.history;
