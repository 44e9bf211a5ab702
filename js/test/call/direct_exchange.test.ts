import { beforeEach, describe, expect, it, vi } from "vitest";
import { Deferred } from "../../src/async";
import { startWidget } from "../fakes";

const answerWith = (response: Response | Error) => {
  const fetching = vi.fn(async (_url: string, _request: RequestInit) => {
    if (response instanceof Error) throw response;
    return response.clone();
  });
  vi.stubGlobal("fetch", fetching);
  return fetching;
};
const start = () =>
  startWidget({ setUp: (model) => Object.assign(model.traits, { settings: { exchange: "browser" } }) });

describe("an exchange made by the page itself", () => {
  beforeEach(() => localStorage.clear());

  it("posts the offer with the short-lived secret and tells the kernel the call's id", async () => {
    const headers = { Location: "/v1/realtime/calls/rtc_7?x=1" };
    const fetching = answerWith(new Response("v=0\r\nanswer", { status: 201, headers }));
    const { kernel, peer } = start();
    const reply = kernel.ask("connect");
    await vi.waitFor(() => expect(peer().remoteDescription?.sdp).toBe("v=0\r\nanswer"));
    peer().open();
    await reply;
    const [url, request] = fetching.mock.calls[0] ?? [];
    expect(url).toBe("https://api.example/v1/realtime/calls");
    expect(request).toMatchObject({
      method: "POST",
      body: expect.stringContaining("v=0\r\noffer"),
      credentials: "omit",
    });
    expect(new Headers(request?.headers).get("Authorization")).toBe("Bearer ek_1");
    expect(kernel.of("exchange")).toHaveLength(0);
    expect(kernel.last("exchanged").call_id).toBe("rtc_7");
  });

  it("tells the kernel the id also when the call was cancelled meanwhile, so that it can hang up", async () => {
    const answered = new Deferred<Response>();
    const fetching = vi.fn((_: string, { signal }: RequestInit) => {
      signal?.addEventListener("abort", () => answered.reject(signal.reason));
      return answered.promise;
    });
    vi.stubGlobal("fetch", fetching);
    const { kernel, peer } = start();
    const connecting = kernel.ask("connect");
    await vi.waitFor(() => expect(fetching).toHaveBeenCalled());
    await kernel.ask("disconnect");
    expect((await connecting).error).toMatchObject({ code: "cancelled" });
    const { attempt } = kernel.last("hang_up");
    answered.resolve(new Response("v=0\r\nanswer", { status: 201, headers: { Location: "/v1/realtime/calls/rtc_8" } }));
    await vi.waitFor(() => expect(kernel.last("exchanged")).toMatchObject({ attempt, call_id: "rtc_8" }));
    expect(peer().remoteDescription).toBeNull();
  });

  it("tells the kernel the id also when the widget was closed meanwhile", async () => {
    const answered = new Deferred<Response>();
    const fetching = vi.fn((_url: string, _request: RequestInit) => answered.promise);
    vi.stubGlobal("fetch", fetching);
    const { kernel, life } = start();
    void kernel.ask("connect");
    await vi.waitFor(() => expect(fetching).toHaveBeenCalled());
    life.abort();
    const { attempt } = kernel.last("hang_up");
    expect(kernel.model.sent.at(-1)?.type).toBe("goodbye");
    answered.resolve(new Response("v=0\r\nanswer", { status: 201, headers: { Location: "/v1/realtime/calls/rtc_9" } }));
    await vi.waitFor(() => expect(kernel.last("exchanged")).toMatchObject({ attempt, call_id: "rtc_9" }));
  });

  it("does not outlive the page: nobody would read the id of the call that it makes", async () => {
    const fetching = answerWith(new Response("v=0\r\nanswer", { status: 201 }));
    const { kernel } = start();
    void kernel.ask("connect");
    await vi.waitFor(() => expect(fetching).toHaveBeenCalled());
    expect(fetching.mock.calls[0]?.[1].keepalive ?? false).toBe(false);
  });

  it("says the server's own words, without the secret", async () => {
    answerWith(new Response("Incorrect API key provided: ek_1", { status: 401 }));
    const { kernel } = start();
    const { error } = await kernel.ask("connect");
    expect(error).toMatchObject({ code: "exchange_refused", message: expect.stringContaining("401: Incorrect") });
    expect(JSON.stringify(kernel.model.sent)).not.toContain("ek_1");
  });

  it("names CORS among the reasons why a page reaches no server", async () => {
    answerWith(new TypeError("Failed to fetch"));
    const { kernel } = start();
    expect((await kernel.ask("connect")).error).toMatchObject({
      code: "server_unreachable",
      hint: expect.stringContaining("CORS"),
    });
  });

  it("passes on why the kernel has no secret", async () => {
    const { kernel } = start();
    kernel.clientSecret = { error: { code: "client_secrets_unsupported", message: "None.", hint: "" } };
    expect((await kernel.ask("connect")).error).toMatchObject({ code: "client_secrets_unsupported" });
  });
});
