import { describe, expect, it } from "vitest";
import contract from "../../../tests/contract/session_settings.json";
import { protocolNamed } from "../../src/protocols/named";

describe("the settings that a server confirms", () => {
  it.each(contract.cases.map((one) => [one.name, one] as const))(
    "%s",
    (_, { protocol, type, session, ...expected }) => {
      const confirmed = protocolNamed(protocol).sessionOf?.({ type, session });
      const settings = confirmed?.settings ?? [];
      expect(Object.fromEntries(settings.map(({ name, value }) => [name, value ?? null]))).toEqual(expected.settings);
      expect(settings.flatMap(({ name, isFixed }) => (isFixed ? [name] : []))).toEqual(expected.fixed);
      expect(confirmed?.raw).toEqual(session);
    },
  );

  it.each(["realtime", "live"])("are in no other event (%s)", (protocol) => {
    const { sessionOf } = protocolNamed(protocol);
    for (const event of [{ type: "response.created", session: {} }, { type: "session.updated", session: "none" }, {}])
      expect(sessionOf?.(event)).toBeUndefined();
  });
});
