/**
 * The tests run in a real browser: they need layout, focus, autoplay, the timers of hidden pages and WebRTC, which an imitated
 * DOM does not have. They use the system's Chromium if there is one, else the one that Playwright has installed.
 */

import { existsSync } from "node:fs";
import { getuid } from "node:process";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

const chromium = process.env.RTC_WIDGET_CHROMIUM ?? "/usr/bin/chromium";

export default defineConfig({
  server: { fs: { allow: [fileURLToPath(new URL("..", import.meta.url))] } },
  // Listed here, so that Vite does not discover them during a first run and start again.
  optimizeDeps: {
    include: ["preact", "preact/hooks", "preact/jsx-runtime", "preact/jsx-dev-runtime", "@preact/signals", "axe-core"],
  },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    unstubGlobals: true,
    setupFiles: ["test/limits.ts"],
    testTimeout: 90_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      viewport: { width: 900, height: 700 },
      provider: playwright({
        launchOptions: {
          ...(existsSync(chromium) ? { executablePath: chromium } : {}),
          args: [
            ...(getuid?.() === 0 ? ["--no-sandbox"] : []),
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
            "--disable-background-networking",
          ],
        },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
});
