/** The signaling state machine (W3C WebRTC, section 4.3.3): the current state and the last edge are lit. */

import { signaling } from "../../../../src/rtc_widget/peers/drawing.json";
import type { Edge } from "../../peer/record";
import { usePageId } from "../landmark";

const { width: WIDTH, height: HEIGHT, node_height: NODE_HEIGHT, nodes: NODES, edges: EDGES } = signaling;

/** What the drawing says, in words; Python's drawing says the same. */
export function diagramLabel(state: string, edge: Edge | undefined): string {
  if (!edge) return `Signaling state: ${state}`;
  const taken = EDGES.find((one) => isLast(one, edge));
  return `Signaling state: ${state}, from ${edge.from}${taken ? ` by ${taken.by}` : ""}`;
}

function isLast({ from, to }: Edge, edge: Edge | undefined): boolean {
  // It can be closed in each state; one edge stands for all.
  return edge?.to === to && (edge.from === from || to === "closed");
}

export function SignalingMachine({ state, edge }: { state: string; edge: Edge | undefined }) {
  const arrow = usePageId();
  return (
    <svg class="rtc-machine" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={diagramLabel(state, edge)}>
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
          data-lit={isLast(one, edge)}
          marker-end={`url(#${arrow})`}
        >
          <title>{`${one.from} to ${one.to}: ${one.by}`}</title>
        </path>
      ))}
      {NODES.map(({ state: name, x, y, width }) => (
        <g key={name} class="rtc-node" data-state={name} data-lit={name === state}>
          <rect x={x - width / 2} y={y - NODE_HEIGHT / 2} width={width} height={NODE_HEIGHT} rx="8" />
          <text x={x} y={y + 4}>
            {name}
          </text>
        </g>
      ))}
    </svg>
  );
}
