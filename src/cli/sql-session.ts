/** What the shell and one-shot statements need of the place where SQL runs. */

export interface RunOptions {
  /** A result format of HTTP. */
  readonly format: string;
  readonly signal?: AbortSignal | undefined;
}

export interface SqlSession {
  /** Runs the text and writes its last statement's result. Fails as the statement fails. */
  run(sql: string, options: RunOptions, write: (bytes: Uint8Array) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
