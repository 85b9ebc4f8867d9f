/**
 * LMDB's own structure in catalog/data.mdb, checked before LMDB reads it: LMDB trusts it. A bit that has changed there could hide records, bring
 * back old ones, or end the process. Records themselves have checksums (record-checksum.ts).
 *
 *   page      u64 number │ u64 transaction │ u16 0 │ u16 flags │ u16 lower, u16 upper (overflow: u32 pages) │ content
 *   pages 0 and 1, in turns written by each transaction:
 *             u32 magic │ u32 version │ u64 address │ u64 map size │ tree of free pages │ tree of databases │ u64 last page │ u64 transaction
 *   a tree    u32 page size (of free pages' only) │ u16 flags │ u16 depth │ u64 branches, leaves, overflow pages, entries, root page
 *   content   lower / 2 places of nodes (u16, behind the head), … nodes
 *   node      u16, u16 size of the value (branch: low bits of the child's number) │ u16 flags (branch: its high bits) │ u16 size of the key │ key │ value
 *   large value: u64 first overflow page, u64 its transaction, u64 pages
 *
 * Checked: every page that can be reached is there once, is what it should be, says its own number and no later transaction, and is not free; nodes lie
 * inside their page in ascending order of keys; trees have as many pages and entries as they say. Only branches and leaves are read.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DbError } from '../../core/errors.js';

const MAGIC = 0xbeefc0de;
const HEAD_BYTES = 24;
const NODE_BYTES = 8;
const TREE_BYTES = 48;
const META_BYTES = 160;
const FREE_AT = 48;
const MAIN_AT = 96;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
const NONE = 0xffff_ffff_ffff_ffffn;
/** Keys of the tree of free pages are numbers; LMDB may or may not have been told to let syncs overlap. */
const FREE_FLAGS: readonly number[] = [0x8, 0x1008];
const IS_LARGE = 1;
const IS_TREE = 2;
/** Times that somebody else may commit meanwhile. */
const ATTEMPTS = 8;

interface Tree {
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflows: number;
  readonly entries: number;
  /** undefined: it is empty. */
  readonly root: number | undefined;
}

interface Meta {
  readonly pageBytes: number;
  readonly free: Tree;
  readonly main: Tree;
  readonly lastPage: number;
  readonly transaction: number;
}

/** Fails with `corrupt`. The file may be written meanwhile. */
export function checkLmdbFile(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    for (let attempt = 1; ; attempt++) {
      const metas = readMetas(descriptor, file);
      const failure = metas.problem ?? problemOf(descriptor, metas.newest);
      if (failure === undefined) return;
      // Pages of the last transaction are not written over before two more have been made.
      if (readMetas(descriptor, file).text === metas.text) throw new DbError('corrupt', `${file}: ${failure}`, { hint: HINT });
      if (attempt === ATTEMPTS) return;
    }
  } finally {
    closeSync(descriptor);
  }
}

const HINT = 'restore the database from a backup; the files of segments/ are Arrow files that fletch import reads';

function problemOf(descriptor: number, meta: Meta): string | undefined {
  try {
    new Walk(descriptor, meta).all();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

class Problem extends Error {}

function expectThat(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Problem(what);
}

/** The page that the last transaction wrote, and what is wrong with the two together. */
function readMetas(descriptor: number, file: string): { newest: Meta; problem: string | undefined; text: string } {
  const first = Buffer.alloc(META_BYTES);
  readSync(descriptor, first, 0, META_BYTES, 0);
  if (first.readUInt32LE(HEAD_BYTES) !== MAGIC) throw new DbError('corrupt', `${file} is not an LMDB file`);
  const pageBytes = first.readUInt32LE(FREE_AT);
  const isSize = pageBytes >= 512 && pageBytes <= 65_536 && (pageBytes & (pageBytes - 1)) === 0;
  if (!isSize) throw new DbError('corrupt', `${file} has pages of ${pageBytes} bytes`, { hint: HINT });
  const second = Buffer.alloc(META_BYTES);
  readSync(descriptor, second, 0, META_BYTES, pageBytes);
  const [a, b] = [metaOf(first), metaOf(second)];
  const areSame = (at: number, count: number) => first.subarray(at, at + count).equals(second.subarray(at, at + count));
  // Magic and version; page size.
  const areAlike = areSame(HEAD_BYTES, 8) && areSame(FREE_AT, 4);
  const isHead = (page: Buffer, number: bigint) => page.readBigUInt64LE(0) === number && page.readUInt16LE(18) === 8;
  // A copy has nothing in its first page yet.
  const isCopy = a.transaction === 0 && a.main.root === undefined && b.transaction % 2 === 1;
  const areInTurns = a.transaction % 2 === 0 && Math.abs(a.transaction - b.transaction) === 1;
  const haveFlags = [first, second].every(
    (page) => FREE_FLAGS.includes(page.readUInt16LE(FREE_AT + 4)) && page.readUInt16LE(MAIN_AT + 4) === 0,
  );
  const areHeads = haveFlags && isHead(first, 0n) && isHead(second, 1n);
  const problem = areAlike && areHeads && (isCopy || areInTurns) ? undefined : 'its first two pages do not fit together';
  const newest = a.transaction > b.transaction ? a : b;
  return { newest, problem, text: `${first.toString('latin1')}${second.toString('latin1')}` };
}

function metaOf(page: Buffer): Meta {
  return {
    pageBytes: page.readUInt32LE(FREE_AT),
    free: treeOf(page.subarray(FREE_AT)),
    main: treeOf(page.subarray(MAIN_AT)),
    lastPage: Number(page.readBigUInt64LE(144)),
    transaction: Number(page.readBigUInt64LE(152)),
  };
}

function treeOf(bytes: Buffer): Tree {
  const [branches = 0, leaves = 0, overflows = 0, entries = 0] = [8, 16, 24, 32].map((at) => Number(bytes.readBigUInt64LE(at)));
  const root = bytes.readBigUInt64LE(40);
  return { depth: bytes.readUInt16LE(6), branches, leaves, overflows, entries, root: root === NONE ? undefined : Number(root) };
}

/** A tree on the way through it. */
interface TreeWalk {
  readonly what: string;
  /** Keys are in the order of their bytes. */
  readonly isOrdered: boolean;
  /** Is given every value that is not large, and lists of pages that are; null: nobody wants them. */
  readonly visit: ((name: string, value: Buffer, flags: number) => void) | null;
  branches: number;
  leaves: number;
  overflows: number;
  entries: number;
  /** The key met last. */
  keyPage: Buffer | null;
  keyStart: number;
  keyEnd: number;
}

class Walk {
  private readonly descriptor: number;
  private readonly meta: Meta;
  /** Pages that were met. */
  private readonly met: Uint8Array;

  constructor(descriptor: number, meta: Meta) {
    this.descriptor = descriptor;
    this.meta = meta;
    const pages = Math.ceil(fstatSync(descriptor).size / meta.pageBytes);
    expectThat(meta.lastPage >= 1, 'it has no pages');
    // The last pages may be free, and not there.
    this.met = new Uint8Array(Math.min(pages, meta.lastPage + 1));
  }

  all(): void {
    const { free, main } = this.meta;
    const freeLists: Buffer[] = [];
    this.tree(free, 'the tree of free pages', false, (_name, value) => void freeLists.push(value));
    this.tree(main, 'the tree of databases', true, (name, value, flags) => {
      expectThat(flags === IS_TREE && value.length === TREE_BYTES, `"${name}" is no database`);
      this.tree(treeOf(value), `database "${name}"`, true, null);
    });
    let beyond = 0;
    for (const list of freeLists) beyond += this.freeList(list);
    expectThat(beyond === this.meta.lastPage + 1 - this.met.length, 'it is shorter than it says');
  }

  private tree(tree: Tree, what: string, isOrdered: boolean, visit: TreeWalk['visit']): void {
    const { root, depth } = tree;
    const found: TreeWalk = {
      what,
      isOrdered,
      visit,
      branches: 0,
      leaves: 0,
      overflows: 0,
      entries: 0,
      keyPage: null,
      keyStart: 0,
      keyEnd: 0,
    };
    if (root !== undefined) this.page(root, depth, found);
    const isAsSaid = (['branches', 'leaves', 'overflows', 'entries'] as const).every((count) => found[count] === tree[count]);
    expectThat(isAsSaid && (root !== undefined || depth === 0), `${what} is not whole`);
  }

  private page(number: number, levels: number, tree: TreeWalk): void {
    const { what } = tree;
    expectThat(levels >= 1 && levels <= 32, `${what} has ${levels} levels`);
    this.meet(number, 1, what);
    const page = this.read(number, 0, this.meta.pageBytes);
    const kind = levels === 1 ? LEAF : BRANCH;
    const isItself = page.readBigUInt64LE(0) === BigInt(number) && page.readBigUInt64LE(8) <= BigInt(this.meta.transaction);
    expectThat(isItself && page.readUInt16LE(16) === 0 && page.readUInt16LE(18) === kind, `${what}: page ${number} is another`);
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    expectThat(lower >= 2 && lower % 2 === 0 && lower <= upper && upper + HEAD_BYTES < page.length, `${what}: a page has no valid bounds`);
    for (let at = HEAD_BYTES; at < HEAD_BYTES + lower; at += 2) {
      const place = page.readUInt16LE(at) + HEAD_BYTES;
      expectThat(place >= upper + HEAD_BYTES && place + NODE_BYTES <= page.length, `${what}: a node is outside of its page`);
      if (kind === LEAF) this.leafNode(page, place, tree);
      else this.page(page.readUInt32LE(place) + page.readUInt16LE(place + 4) * 2 ** 32, levels - 1, tree);
    }
    if (kind === LEAF) tree.leaves += 1;
    else tree.branches += 1;
  }

  private leafNode(page: Buffer, place: number, tree: TreeWalk): void {
    const { what, keyPage, visit } = tree;
    const flags = page.readUInt16LE(place + 4);
    const keyStart = place + NODE_BYTES;
    const keyEnd = keyStart + page.readUInt16LE(place + 6);
    const sizeBytes = page.readUInt32LE(place);
    const isLarge = flags === IS_LARGE;
    expectThat(keyEnd + (isLarge ? HEAD_BYTES : sizeBytes) <= page.length && flags <= IS_TREE, `${what}: a node is longer than its page`);
    const isNext = !tree.isOrdered || keyPage === null || keyPage.compare(page, keyStart, keyEnd, tree.keyStart, tree.keyEnd) < 0;
    expectThat(isNext, `${what}: keys are not in their order`);
    tree.keyPage = page;
    tree.keyStart = keyStart;
    tree.keyEnd = keyEnd;
    tree.entries += 1;
    if (isLarge) tree.overflows += this.largeValue(page, keyEnd, sizeBytes, what);
    if (visit === null) return;
    const name = page.toString('latin1', keyStart, keyEnd).replace(/\0$/, '');
    const value = isLarge
      ? this.read(Number(page.readBigUInt64LE(keyEnd)), HEAD_BYTES, sizeBytes)
      : page.subarray(keyEnd, keyEnd + sizeBytes);
    visit(name, value, flags);
  }

  /** Gives the pages of a large value, which the node tells of. */
  private largeValue(page: Buffer, at: number, sizeBytes: number, what: string): number {
    const [first, pages] = [Number(page.readBigUInt64LE(at)), Number(page.readBigUInt64LE(at + 16))];
    expectThat(pages === Math.floor((HEAD_BYTES - 1 + sizeBytes) / this.meta.pageBytes) + 1, `${what}: a value has another length`);
    this.meet(first, pages, what);
    const head = this.read(first, 0, HEAD_BYTES);
    const transaction = page.readBigUInt64LE(at + 8);
    // LMDB's copies say that transaction 1 wrote them, and leave these heads as they were.
    const isOfTransaction = transaction === 1n || head.readBigUInt64LE(8) === transaction;
    const isItself = head.readBigUInt64LE(0) === BigInt(first) && isOfTransaction;
    expectThat(
      isItself && (head.readUInt16LE(18) & OVERFLOW) !== 0 && head.readUInt32LE(20) === pages,
      `${what}: page ${first} is another`,
    );
    return pages;
  }

  /** u64 words: how many, then free pages; a negative one is the length of a run that begins with the next. Gives the pages behind the file's end. */
  private freeList(list: Buffer): number {
    let beyond = 0;
    const what = 'the list of free pages';
    const word = (at: number) => list.readInt32LE(8 * at + 4) * 2 ** 32 + list.readUInt32LE(8 * at);
    const count = list.length < 8 ? -1 : word(0);
    expectThat(count >= 0 && 8 * (count + 1) <= list.length, `${what} is not whole`);
    for (let i = 1; i <= count; i++) {
      const entry = word(i);
      if (entry === 0) continue;
      if (entry < 0) expectThat(++i <= count, `${what} is not whole`);
      const [first, pages] = entry < 0 ? [word(i), -entry] : [entry, 1];
      expectThat(first >= 2 && first + pages <= this.meta.lastPage + 1, `${what} is not whole`);
      const last = Math.min(first + pages, this.met.length);
      if (first < last) this.meet(first, last - first, what);
      beyond += first + pages - Math.max(first, last);
    }
    return beyond;
  }

  private meet(first: number, pages: number, what: string): void {
    expectThat(first >= 2 && pages >= 1 && first + pages <= this.met.length, `${what}: there is no page ${first}`);
    for (let page = first; page < first + pages; page++) {
      expectThat(this.met[page] === 0, `${what}: page ${page} is in two places`);
      this.met[page] = 1;
    }
  }

  private read(page: number, at: number, sizeBytes: number): Buffer {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    const count = readSync(this.descriptor, bytes, 0, sizeBytes, page * this.meta.pageBytes + at);
    expectThat(count === sizeBytes, `page ${page} is cut off`);
    return bytes;
  }
}
