/** Lets timers and other callers run before a long piece of work goes on. */
export function yieldToOthers(): Promise<void> {
  return new Promise<void>((resolve) => setImmediate(resolve));
}
