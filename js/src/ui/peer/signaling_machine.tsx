/** The signaling state machine (W3C WebRTC, section 4.3.3): the current state and the last edge are lit. */

import type { Edge } from "../../peer/record";
import { usePageId } from "../landmark";

interface Node {
  readonly state: string;
  readonly x: number;
  readonly y: number;
}

const WIDTH = 132;
const CLOSED_WIDTH = 72;
const HEIGHT = 30;

const NODES: readonly Node[] = [
  { state: "stable", x: 210, y: 28 },
  { state: "have-local-offer", x: 80, y: 108 },
  { state: "have-remote-offer", x: 340, y: 108 },
  { state: "have-remote-pranswer", x: 80, y: 188 },
  { state: "have-local-pranswer", x: 340, y: 188 },
  { state: "closed", x: 210, y: 188 },
];

/** The edges, and the calls that take them. `path` bends them, so that two between the same states do not overlap. */
const EDGES: readonly (Edge & { readonly by: string; readonly path: string })[] = [
  { from: "stable", to: "have-local-offer", by: "set_local_description(offer)", path: "M150 40 Q86 48 68 91" },
  {
    from: "have-local-offer",
    to: "stable",
    by: "set_remote_description(answer), or a rollback",
    path: "M100 93 Q122 62 168 45",
  },
  { from: "stable", to: "have-remote-offer", by: "set_remote_description(offer)", path: "M270 40 Q334 48 352 91" },
  {
    from: "have-remote-offer",
    to: "stable",
    by: "set_local_description(answer), or a rollback",
    path: "M320 93 Q298 62 252 45",
  },
  {
    from: "have-local-offer",
    to: "have-remote-pranswer",
    by: "set_remote_description(pranswer)",
    path: "M64 123 L64 171",
  },
  {
    from: "have-remote-pranswer",
    to: "stable",
    by: "set_remote_description(answer)",
    path: "M118 173 Q176 128 196 45",
  },
  {
    from: "have-remote-offer",
    to: "have-local-pranswer",
    by: "set_local_description(pranswer)",
    path: "M356 123 L356 171",
  },
  { from: "have-local-pranswer", to: "stable", by: "set_local_description(answer)", path: "M302 173 Q244 128 224 45" },
  { from: "stable", to: "closed", by: "close()", path: "M210 43 L210 171" },
];

export function SignalingMachine({ state, edge }: { state: string; edge: Edge | undefined }) {
  const arrow = usePageId();
  // It can be closed in each state; one edge stands for all.
  const isLast = ({ from, to }: Edge) => edge?.to === to && (edge.from === from || to === "closed");
  const taken = EDGES.find(isLast);
  const words = edge ? `${state}, from ${edge.from}${taken ? ` by ${taken.by}` : ""}` : state;
  return (
    <svg class="rtc-machine" viewBox="0 0 420 214" role="img" aria-label={`Signaling state: ${words}`}>
      <defs>
        <marker
          id={arrow}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="9"
          markerHeight="9"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 0L8 4L0 8z" />
        </marker>
      </defs>
      {EDGES.map((one) => (
        <path
          key={`${one.from} ${one.to}`}
          class="rtc-edge"
          d={one.path}
          data-edge={`${one.from} ${one.to}`}
          data-lit={isLast(one)}
          marker-end={`url(#${arrow})`}
        >
          <title>{`${one.from} to ${one.to}: ${one.by}`}</title>
        </path>
      ))}
      {NODES.map(({ state: name, x, y }) => (
        <g key={name} class="rtc-node" data-state={name} data-lit={name === state}>
          <rect x={x - widthOf(name) / 2} y={y - HEIGHT / 2} width={widthOf(name)} height={HEIGHT} rx="8" />
          <text x={x} y={y + 4}>
            {name}
          </text>
        </g>
      ))}
    </svg>
  );
}

function widthOf(state: string): number {
  return state === "closed" ? CLOSED_WIDTH : WIDTH;
}
