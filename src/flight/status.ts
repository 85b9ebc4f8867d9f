/** Errors → gRPC status. The code of the error table stands at the start of the message, since clients pass little else on. */
import { Metadata } from '@grpc/grpc-js';
import { asDbError } from '../core/errors.js';

/** Trailers have to fit into one header list, which many clients limit to 8 KiB; percent-encoding can triple the text. */
const MAX_DETAILS = 2000;

export interface CallStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** grpc-js percent-encodes the details itself. The trailers carry code, position and hint (percent-encoded) apart. */
export function statusOf(thrown: unknown): CallStatus {
  const error = asDbError(thrown);
  const metadata = new Metadata();
  metadata.set('fletch-code', error.code);
  if (error.position !== undefined) metadata.set('fletch-position', String(error.position));
  if (error.hint !== undefined) metadata.set('fletch-hint', encodeURIComponent(wellFormed(error.hint.slice(0, MAX_DETAILS))));
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  const details = `${error.code}: ${error.message}${hint}`;
  return { code: error.row.grpc, details: shortened(details), metadata };
}

function shortened(details: string): string {
  return wellFormed(details.length <= MAX_DETAILS ? details : `${details.slice(0, MAX_DETAILS)}…`);
}

/** Lone surrogates, which percent-encoding throws on, become U+FFFD. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
