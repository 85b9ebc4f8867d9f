/** The actions of Flight SQL, and those of Flight that its clients use. One entry each. */
import { Metadata } from '@grpc/grpc-js';
import { DbError } from '../../core/errors.js';
import { readBytes } from '../messages.js';
import { MessageWriter } from '../protobuf.js';
import { noSubstrait } from './commands.js';
import { Message, readAny, writeAny } from './message.js';
import { prepareStatement } from './prepared.js';
import { closeSession, getSessionOptions, setSessionOptions } from './session-actions.js';
import { setupOf } from './sessions.js';
import { type ActionAnswer, type SqlCall, sessionOf } from './sql-call.js';
import { readHandle } from './statement-handle.js';

export interface SqlAction {
  readonly description: string;
  /** The name of the request that the body is, in an Any; null: the body is the request itself. */
  readonly request: string | null;
  run(call: SqlCall, request: Message): Promise<ActionAnswer>;
}

const NOTHING: ActionAnswer = { body: null };
const answer = (name: string, message: MessageWriter): ActionAnswer => ({ body: writeAny(name, message) });
const plainAnswer = (message: MessageWriter): ActionAnswer => ({ body: message.finish() });

const CANCEL = { cancelled: 1, notCancellable: 3 } as const;
const END = { 1: 'COMMIT', 2: 'ROLLBACK' } as const;
const END_SAVEPOINT = { 1: 'RELEASE', 2: 'ROLLBACK TO' } as const;

export const SQL_ACTIONS = {
  CreatePreparedStatement: {
    description: 'Prepares a statement: its handle, the schemas of its result and of its parameters.',
    request: 'ActionCreatePreparedStatementRequest',
    run: async (call, request) => answer('ActionCreatePreparedStatementResult', await prepareStatement(call, request)),
  },
  ClosePreparedStatement: {
    description: 'Gives a handle up; nothing is kept of it anyway.',
    request: 'ActionClosePreparedStatementRequest',
    run: async (_, request) => {
      readHandle(request.bytes(1));
      return NOTHING;
    },
  },
  CreatePreparedSubstraitPlan: {
    description: 'Is answered with unsupported: plans are not executed.',
    request: 'ActionCreatePreparedSubstraitPlanRequest',
    run: async () => {
      throw noSubstrait();
    },
  },
  BeginTransaction: {
    description: 'Begins a transaction, which commands name by the id that is answered.',
    request: 'ActionBeginTransactionRequest',
    run: async (call) => {
      const session = sessionOf(call);
      const id = call.state.transactions.begin(call.principal, session ? setupOf(session) : []);
      return answer('ActionBeginTransactionResult', new MessageWriter().text(1, id));
    },
  },
  EndTransaction: {
    description: 'Commits a transaction or rolls it back.',
    request: 'ActionEndTransactionRequest',
    run: async (call, request) => {
      await call.state.transactions.end(request.text(1), chosen(END, request.number(2)));
      return NOTHING;
    },
  },
  BeginSavepoint: {
    description: 'Sets a savepoint in a transaction.',
    request: 'ActionBeginSavepointRequest',
    run: async (call, request) => {
      const id = await call.state.transactions.setSavepoint(request.text(1), request.text(2));
      return answer('ActionBeginSavepointResult', new MessageWriter().text(1, id));
    },
  },
  EndSavepoint: {
    description: 'Releases a savepoint or goes back to it.',
    request: 'ActionEndSavepointRequest',
    run: async (call, request) => {
      await call.state.transactions.endSavepoint(request.text(1), chosen(END_SAVEPOINT, request.number(2)));
      return NOTHING;
    },
  },
  CancelQuery: {
    description: 'Stops the query of a FlightInfo (the older form of CancelFlightInfo).',
    request: 'ActionCancelQueryRequest',
    run: async (call, request) => answer('ActionCancelQueryResult', new MessageWriter().number(1, cancelFlight(call, request.bytes(1)))),
  },
  CancelFlightInfo: {
    description: 'Stops the query of a FlightInfo, also before its rows are fetched.',
    request: null,
    run: async (call, request) => plainAnswer(new MessageWriter().number(1, cancelFlight(call, request.bytes(1)))),
  },
  RenewFlightEndpoint: {
    description: 'Answers with the endpoint: tickets do not expire.',
    request: null,
    run: async (_, request) => {
      const endpoint = request.bytes(1);
      ticketOfEndpoint(endpoint);
      return { body: endpoint };
    },
  },
  SetSessionOptions: {
    description: 'Sets options of the session that a cookie names, or of a new one: catalog, schema, and every setting of a query.',
    request: null,
    run: setSessionOptions,
  },
  GetSessionOptions: { description: 'The options of the session.', request: null, run: getSessionOptions },
  CloseSession: { description: 'Closes the session of the cookie.', request: null, run: closeSession },
} as const satisfies Record<string, SqlAction>;

/** Undefined when the action is none of these. */
export function findSqlAction(type: string): SqlAction | undefined {
  return Object.hasOwn(SQL_ACTIONS, type) ? SQL_ACTIONS[type as keyof typeof SQL_ACTIONS] : undefined;
}

export function requestMessage({ request }: SqlAction, body: Uint8Array): Message {
  if (request === null) return new Message(body);
  const any = readAny(body);
  if (any?.name === request) return any.message;
  throw new DbError('invalid_argument', `the action body is not ${request}`, { hint: 'it is a protobuf message in a google.protobuf.Any' });
}

export function headersOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.add(name, value);
  return metadata;
}

function chosen<Choice>(choices: Readonly<Record<number, Choice>>, number: number): Choice {
  const choice = choices[number];
  if (choice === undefined) throw new DbError('invalid_argument', 'the request does not say how to end it');
  return choice;
}

/** All queries of a FlightInfo's tickets. */
function cancelFlight(call: SqlCall, info: Uint8Array): number {
  const ids = new Message(info).allBytes(3).flatMap((endpoint) => queryIdOf(ticketOfEndpoint(endpoint)) ?? []);
  for (const id of ids) {
    call.state.markCancelled(id);
    call.engine.query.cancel(id);
  }
  return ids.length === 0 ? CANCEL.notCancellable : CANCEL.cancelled;
}

function ticketOfEndpoint(endpoint: Uint8Array): Uint8Array {
  const ticket = readBytes(new Message(endpoint).bytes(1));
  if (ticket.length === 0) throw new DbError('invalid_argument', 'the endpoint has no ticket');
  return ticket;
}

function queryIdOf(ticket: Uint8Array): string | undefined {
  const any = readAny(ticket);
  return any?.name === 'TicketStatementQuery' ? (readHandle(any.message.bytes(1)).queryId ?? undefined) : undefined;
}
