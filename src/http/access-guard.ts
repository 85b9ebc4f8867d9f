/**
 * Who may reach a server without logins. Its listener must be on a loopback address (or the operator says `insecure`), and then what
 * comes from a web page of another site is refused: such a page can post to 127.0.0.1, and by DNS rebinding also read.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { DbError } from '../core/errors.js';

function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(name);
}

/** Fails with `invalid_argument` when the address can be reached from elsewhere and nobody said that this is wanted. */
export function assertMayListen(host: string, insecure: boolean): void {
  if (insecure || isLoopback(host)) return;
  throw new DbError(
    'invalid_argument',
    `refusing to listen on ${host} without authentication: anyone who reaches it could read and write`,
    {
      hint: 'listen on 127.0.0.1, or say --insecure',
    },
  );
}

/** Fails with `permission_denied` for requests of pages of other sites. */
export function assertOwnSite(headers: IncomingHttpHeaders): void {
  const { host, origin } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new DbError('permission_denied', `requests from pages of ${origin} are not answered`);
  }
  if (host === undefined) return;
  const name = host.replace(/:\d*$/, '');
  if (isLoopback(name) || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 || name.endsWith('.localhost')) return;
  throw new DbError('permission_denied', `the host name ${name} is not answered on a loopback address`, {
    hint: 'ask for localhost, or start the server with --insecure when a proxy stands before it',
  });
}
