/** A tree without its offsets, so that two texts of one meaning compare equal. */
const OFFSETS = new Set(['position', 'end', 'operatorPosition']);

export function withoutOffsets(node: unknown): unknown {
  return JSON.parse(JSON.stringify(node, (key, value) => (OFFSETS.has(key) ? undefined : value)));
}
