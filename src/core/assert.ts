/** States an invariant of ours. A breach is our bug, never the user's: it ends the statement with `internal`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the branch that no value reaches: `default: return unreachable(value)`. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value ${String(value)}`);
}

/** A broken invariant. Doors report it as the error code `internal`. */
class AssertionError extends Error {
  override readonly name = 'AssertionError';
}
