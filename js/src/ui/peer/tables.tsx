/** The tables of the picture: candidates, candidate pairs and data channels. */

import type { ComponentChildren } from "preact";
import { type Candidate, candidatesIn } from "../../peer/candidates";
import type { Pair, PairEnd } from "../../peer/pairs";
import type { ChannelRow } from "../../peer/record";

interface TableProps {
  readonly caption: string;
  /** The part of the card that the table is in has the same title. */
  readonly isTitled?: boolean;
  readonly heads: readonly string[];
  readonly children: ComponentChildren;
}

function Table({ caption, isTitled = false, heads, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
    <section class="rtc-table-box" aria-label={caption} tabIndex={0}>
      <table class="rtc-table">
        <caption class={isTitled ? "rtc-visually-hidden" : undefined}>{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** Says why a table has no rows. */
function Empty({ columns, children }: { columns: number; children: string }) {
  return (
    <tr class="rtc-empty">
      <td colSpan={columns}>{children}</td>
    </tr>
  );
}

const CANDIDATE_HEADS = ["Type", "Address", "Protocol", "Priority", "Section"];

export function Candidates({ local, remote }: { local: string; remote: string }) {
  return (
    <>
      <CandidateTable caption="Local candidates" candidates={candidatesIn(local)} />
      <CandidateTable caption="Remote candidates" candidates={candidatesIn(remote)} />
    </>
  );
}

function CandidateTable({ caption, candidates }: { caption: string; candidates: readonly Candidate[] }) {
  return (
    <Table caption={caption} heads={CANDIDATE_HEADS}>
      {candidates.length === 0 && <Empty columns={CANDIDATE_HEADS.length}>None yet.</Empty>}
      {candidates.map(({ type, address, port, protocol, priority, sections }) => (
        <tr key={`${type} ${protocol} ${address} ${port}`}>
          <td>{type}</td>
          <td class="rtc-address">{endpoint(address, port)}</td>
          <td>{protocol}</td>
          <td class="rtc-number">{priority}</td>
          <td>{sections.join(", ")}</td>
        </tr>
      ))}
    </Table>
  );
}

const PAIR_HEADS = ["Local", "Remote", "Result", "Checks sent", "Answered", "RTT", "Protocol", "Rank"];

export function Pairs({ pairs }: { pairs: readonly Pair[] }) {
  const ranked = [...pairs].sort((one, other) => (other.priority ?? 0) - (one.priority ?? 0));
  return (
    <Table caption="Candidate pairs" isTitled heads={PAIR_HEADS}>
      {pairs.length === 0 && <Empty columns={PAIR_HEADS.length}>ICE has tried none yet.</Empty>}
      {ranked.map(({ id, local, remote, sent, answered, rtt, state, selected }, rank) => (
        <tr key={id} data-state={state} data-selected={selected}>
          <td class="rtc-address">{words(local)}</td>
          <td class="rtc-address">{words(remote)}</td>
          <td>{selected ? "selected" : state}</td>
          <td class="rtc-number">{sent}</td>
          <td class="rtc-number">{answered}</td>
          <td class="rtc-number">{rtt === null ? "" : `${(1_000 * rtt).toFixed(rtt < 0.01 ? 1 : 0)} ms`}</td>
          <td>{local.protocol}</td>
          <td class="rtc-number">{rank + 1}</td>
        </tr>
      ))}
    </Table>
  );
}

const CHANNEL_HEADS = ["Channel", "Label", "State", "Sent", "Received", "Buffered"];

export function Channels({ channels }: { channels: readonly ChannelRow[] }) {
  return (
    <Table caption="Data channels" isTitled heads={CHANNEL_HEADS}>
      {channels.length === 0 && <Empty columns={CHANNEL_HEADS.length}>None yet.</Empty>}
      {channels.map(({ handle, label, state, sent, received, bufferedAmount }) => (
        <tr key={handle} data-state={state}>
          <td>{handle.split(":")[1]}</td>
          <td>{label}</td>
          <td>{state}</td>
          <td class="rtc-number">{sent}</td>
          <td class="rtc-number">{received}</td>
          <td class="rtc-number">{bufferedAmount} bytes</td>
        </tr>
      ))}
    </Table>
  );
}

function words({ type, address, port }: PairEnd): string {
  return `${type} ${endpoint(address ?? "hidden", port ?? "?")}`;
}

/** An IPv6 address needs brackets before a port. */
function endpoint(address: string, port: string | number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
