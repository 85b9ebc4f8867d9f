/** What every route handler gets. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Engine } from '../core/contracts.js';
import { ANONYMOUS, type Principal } from '../core/principal.js';
import type { Settings } from '../core/settings.js';
import type { BufferPool } from '../formats/encoders/output.js';
import type { Metrics } from './metrics.js';

export interface HttpContext {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly metrics: Metrics;
  readonly buffers: BufferPool;
  /** False until the database is open, and again while it drains. */
  readonly ready: () => boolean;
}

export type Handler = (context: HttpContext, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Until users exist everyone is anonymous. */
export function principalOf(_request: FastifyRequest): Principal {
  return ANONYMOUS;
}
