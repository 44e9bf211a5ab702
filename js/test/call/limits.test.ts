import { describe, expect, it, vi } from "vitest";
import { type FakeModel, startCall, startWidget } from "../fakes";

const fakeTimers = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
const tick = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

class FakeSignal {
  readonly slots = new Set<(sender: unknown, value: unknown) => void>();
  connect = (slot: (sender: unknown, value: unknown) => void) => void this.slots.add(slot);
  disconnect = (slot: (sender: unknown, value: unknown) => void) => void this.slots.delete(slot);
  emit(value: unknown) {
    for (const slot of this.slots) slot(this, value);
  }
}

function jupyterKernel() {
  return {
    status: "idle",
    connectionStatus: "connected",
    isDisposed: false,
    statusChanged: new FakeSignal(),
    disposed: new FakeSignal(),
    iopubMessage: new FakeSignal(),
  };
}

const published = (session: string, execution_state: string, msg_type = "status") => ({
  header: { msg_type, session },
  content: { execution_state },
});

describe("a call that nobody ends", () => {
  it("ends at its maximum duration", async () => {
    fakeTimers();
    const calling = startCall({ max_duration: 30 });
    await tick(1_000);
    const { kernel, microphone } = await calling;
    await tick(28_000);
    expect(kernel.statuses.at(-1)).toBe("connected");
    await tick(2_000);
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "call_too_long" } });
    expect(microphone.tracks[0]?.readyState).toBe("ended");
  });

  it("ends ten seconds after its last view has gone, and not when one comes back in time", async () => {
    const { kernel, mount, microphone } = await startCall();
    const first = mount();
    fakeTimers();
    first.unmount();
    await tick(9_000);
    const second = mount();
    await tick(60_000);
    expect(kernel.statuses.at(-1)).toBe("connected");
    second.unmount();
    await tick(10_100);
    expect(kernel.states.at(-1)).toMatchObject({ status: "error", error: { code: "no_view" } });
    expect(microphone.tracks[0]?.readyState).toBe("ended");
  });

  it("goes on unseen where it was never seen: Python may call before it displays", async () => {
    const { kernel } = await startCall();
    fakeTimers();
    await tick(60_000);
    expect(kernel.statuses.at(-1)).toBe("connected");
  });
});

describe("a kernel that goes", () => {
  const withKernel = async (kernelConnection = jupyterKernel()) => {
    const started = startWidget({
      setUp: (model: FakeModel) => Object.assign(model.widget_manager, { kernel: kernelConnection }),
    });
    await vi.waitFor(() => started.kernel.last("state"));
    const connecting = started.kernel.ask("connect");
    await vi.waitFor(() => expect(started.peer().remoteDescription).not.toBeNull());
    started.peer().open();
    await connecting;
    return { ...started, kernelConnection };
  };

  it.each(["autorestarting", "restarting", "terminating", "dead"])("ends the call when it is %s", async (status) => {
    const { microphone, kernelConnection, mount } = await withKernel();
    const { element } = mount();
    kernelConnection.statusChanged.emit("busy");
    expect(microphone.tracks[0]?.readyState).toBe("live");
    kernelConnection.statusChanged.emit(status);
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    await vi.waitFor(() => expect(element.textContent).toContain("The kernel restarted or died"));
  });

  it("is not called again: the microphone stays closed, and no way on is offered", async () => {
    const { microphone, kernelConnection, mount } = await withKernel();
    const { element } = mount();
    kernelConnection.statusChanged.emit("dead");
    const problem = await vi.waitFor(() => {
      const found = element.querySelector(".rtc-error");
      if (found?.getAttribute("data-code") !== "kernel_died") throw new Error("The end is not told");
      return found;
    });
    expect(problem.querySelector("[data-action=retry]")).toBeNull();
    expect(element.querySelector<HTMLButtonElement>("[data-action=connect]")?.disabled).toBe(true);
    expect(microphone.tracks).toHaveLength(1);
  });

  it("is told from the next one by its session: a restart from another window changes no status here", async () => {
    const { microphone, kernelConnection, mount, kernel } = await withKernel();
    const { element } = mount();
    const { iopubMessage } = kernelConnection;
    for (const state of ["busy", "idle"]) iopubMessage.emit(published("one", state));
    // What is not surely the kernel's own: a notice of the server, and whatever is no message.
    iopubMessage.emit(published("server", "restarting"));
    iopubMessage.emit(published("server", "", "stream"));
    for (const odd of [null, "status", {}, { header: null, content: null }]) iopubMessage.emit(odd);
    iopubMessage.emit(published("one", "busy"));
    expect(microphone.tracks[0]?.readyState).toBe("live");
    iopubMessage.emit(published("two", "busy"));
    expect(microphone.tracks[0]?.readyState).toBe("ended");
    const connect = () => element.querySelector<HTMLButtonElement>("[data-action=connect]");
    await vi.waitFor(() => expect(connect()?.disabled).toBe(true));
    connect()?.click();
    expect(kernel.of("hello")).toHaveLength(2); // when it opened, and for the call
    expect(microphone.tracks).toHaveLength(1);
  });

  it.each([
    ["says so in the end where the host reports that it is idle", jupyterKernel(), 91_000],
    ["says so in the end where the host reports nothing", undefined, 91_000],
  ])("gets no microphone opened by its old welcome, and %s", async (_, host, milliseconds) => {
    const { kernel, microphone, mount } = startWidget({
      setUp: (model: FakeModel) => Object.assign(model.widget_manager, host && { kernel: host }),
    });
    const { element } = mount();
    await vi.waitFor(() => kernel.last("state"));
    kernel.isListening = false;
    fakeTimers();
    element.querySelector<HTMLButtonElement>("[data-action=connect]")?.click();
    await tick(milliseconds);
    expect(microphone.constraints).toBeUndefined();
    await vi.waitFor(() => expect(element.querySelector(".rtc-widget")?.getAttribute("data-status")).toBe("error"));
    const sent = kernel.of("hello").length;
    await tick(60_000);
    expect(kernel.of("hello")).toHaveLength(sent);
  });

  it("is waited for while the host has no connection to it", async () => {
    const host = jupyterKernel();
    const { kernel, microphone, mount } = startWidget({
      setUp: (model: FakeModel) => Object.assign(model.widget_manager, { kernel: host }),
    });
    const { element } = mount();
    await vi.waitFor(() => kernel.last("state"));
    kernel.isListening = false;
    host.connectionStatus = "connecting";
    fakeTimers();
    element.querySelector<HTMLButtonElement>("[data-action=connect]")?.click();
    await tick(30_000);
    expect(element.querySelector(".rtc-widget")?.getAttribute("data-status")).toBe("connecting");
    kernel.isListening = true;
    host.connectionStatus = "connected";
    await tick(4_500);
    expect(microphone.tracks).toHaveLength(1);
  });

  it("is not taken for dead while the host says that it is there, however long it is silent", async () => {
    const { kernel, microphone } = await withKernel();
    kernel.isListening = false;
    fakeTimers();
    await tick(300_000);
    expect(microphone.tracks[0]?.readyState).toBe("live");
  });

  it("is taken for gone after a minute of silence where the host tells nothing", async () => {
    // Fake the clock, too: the page measures silence with it.
    const { microphone, kernel } = await startCall();
    const now = performance.now();
    let passed = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now + passed);
    await kernel.ask("disconnect");
    fakeTimers();
    const connecting = kernel.ask("connect");
    await tick(100);
    await tick(100);
    expect(microphone.tracks.at(-1)?.readyState).toBe("live");
    void connecting;
    passed = 50_000;
    await tick(5_000);
    kernel.say({ type: "ping" });
    passed = 100_000;
    await tick(5_000);
    expect(microphone.tracks.at(-1)?.readyState).toBe("live");
    passed = 115_000;
    await tick(5_000);
    expect(microphone.tracks.at(-1)?.readyState).toBe("ended");
  });

  it("is asked for nothing and lets go of the host's signals when the widget is closed", async () => {
    const { life, kernelConnection } = await withKernel();
    life.abort();
    expect(kernelConnection.statusChanged.slots.size + kernelConnection.disposed.slots.size).toBe(0);
    expect(kernelConnection.iopubMessage.slots.size).toBe(0);
  });
});

describe("a widget of an earlier kernel, as a saved notebook shows it", () => {
  /** Clicks Connect in a host that reports its kernel; the kernel does not know the widget. */
  const click = (host: ReturnType<typeof jupyterKernel> | null) => {
    fakeTimers();
    const started = startWidget({
      isListening: false,
      setUp: (model: FakeModel) => Object.assign(model.widget_manager, { kernel: host }),
    });
    const { element } = started.mount();
    element.querySelector<HTMLButtonElement>("[data-action=connect]")?.click();
    return { ...started, element };
  };

  it.each([jupyterKernel(), null])("opens no microphone, and soon says what it is", async (host) => {
    const { kernel, microphone, element } = click(host);
    await tick(4_000);
    expect(element.querySelector(".rtc-widget")?.getAttribute("data-status")).toBe("connecting");
    expect(element.textContent).not.toContain("is a cell running?");
    await tick(2_000);
    expect(microphone.constraints).toBeUndefined();
    expect(kernel.of("prepare")).toHaveLength(0);
    await vi.waitFor(() => expect(element.querySelector(".rtc-error")?.textContent).toContain("Run its cell again"));
    // A page whose module loaded slowly hears nothing of its kernel either: anywidget has given its messages up.
    expect(element.querySelector(".rtc-error")?.textContent).toContain(
      "load the page again if the cell ran in this kernel",
    );
    expect(element.querySelector(".rtc-error")?.getAttribute("data-code")).toBe("kernel_died");
  });

  it("is not what a widget is whose kernel is busy: that is waited for, still without a microphone", async () => {
    const host = jupyterKernel();
    host.status = "busy";
    const { kernel, microphone, element } = click(host);
    await tick(30_000);
    expect(microphone.constraints).toBeUndefined();
    expect(element.textContent).toContain("is a cell running?");
    host.status = "idle";
    await tick(1_000);
    kernel.isListening = true;
    kernel.welcome();
    await vi.waitFor(() => expect(kernel.of("exchange")).toHaveLength(1));
    expect(microphone.tracks).toHaveLength(1);
    await tick(10_000);
    expect(element.textContent).not.toContain("earlier kernel");
  });

  it("can be given up, and opens nothing when the kernel greets it after all", async () => {
    const { kernel, microphone, element } = click(jupyterKernel());
    await tick(1_000);
    element.querySelector<HTMLButtonElement>("[data-action=disconnect]")?.click();
    kernel.isListening = true;
    kernel.welcome();
    await tick(10_000);
    expect(microphone.constraints).toBeUndefined();
    expect(kernel.states.at(-1)).toMatchObject({ status: "idle", error: null });
  });
});
