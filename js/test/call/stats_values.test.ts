import { describe, expect, it } from "vitest";
import contract from "../../../tests/contract/stats_values.json";
import { type Measurement, measure } from "../../src/call/stats_values";

/** As the contract writes them: digits beyond the precision of a sum do not count. */
const rounded = (value: number | undefined) => (value === undefined ? null : Number(value.toPrecision(9)));

describe("what a sample of the statistics says", () => {
  it.each(contract.cases.map((one) => [one.name, one] as const))("%s", (_, { samples, expected }) => {
    let before: Measurement | undefined;
    for (const [index, { attempt, time_ms: timeMs, reports }] of samples.entries()) {
      before = measure({ attempt, timeMs, reports }, before);
      const { roundTripTime, jitter, loss, receivedBitrate, sentBitrate } = before.values;
      expect({
        round_trip_time: rounded(roundTripTime),
        jitter: rounded(jitter),
        loss: rounded(loss),
        received_bitrate: rounded(receivedBitrate),
        sent_bitrate: rounded(sentBitrate),
      }).toEqual(expected[index]);
    }
  });
});
