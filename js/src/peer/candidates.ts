/** The candidates in a description (RFC 8839, section 5.1), for the view. */

export interface Candidate {
  /** host, srflx, prflx or relay. */
  readonly type: string;
  readonly address: string;
  readonly port: string;
  readonly protocol: string;
  readonly priority: number;
  /** The media sections that it belongs to. */
  readonly sections: readonly string[];
}

const LINE = /^a=candidate:\S+ \d+ (\S+) (\d+) (\S+) (\d+) typ (\S+)/;

/** Returns the candidates of a description by falling priority; one that several sections have comes once. */
export function candidatesIn(sdp: string): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const section of sdp.split(/^m=/m).slice(1)) {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1] ?? "";
    for (const line of section.split(/\r?\n/)) {
      const [, protocol, priority, address, port, type] = LINE.exec(line) ?? [];
      if (!protocol || !address || !port || !type) continue;
      const key = [type, protocol, address, port].join(" ");
      const sections = [...(found.get(key)?.sections ?? []), mid];
      found.set(key, { type, address, port, protocol: protocol.toLowerCase(), priority: Number(priority), sections });
    }
  }
  return [...found.values()].sort((one, other) => other.priority - one.priority);
}
