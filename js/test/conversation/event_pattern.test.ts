import { expect, it } from "vitest";
import contract from "../../../tests/contract/event_patterns.json";
import { eventPattern } from "../../src/conversation/event_pattern";

it.each(contract.cases as [string, string, boolean][])("%j with %j: %s", (pattern, type, matches) => {
  expect(eventPattern(pattern)(type)).toBe(matches);
});
